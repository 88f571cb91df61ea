/**
 * The fleet of a server, from its settings.
 *
 * @module
 */
import type { EngineAddress } from "../../adapters/fleet/_engine_client.ts";
import { FleetKeys } from "../../adapters/fleet/fleet_keys.ts";
import { badValue, type ConfigError } from "../../errors.ts";
import type { Replay } from "../../service/fleet/domain_salts.ts";
import type { Outage } from "../../service/fleet/member.ts";
import { FLEET, type FleetSettings } from "../settings/fleet.ts";
import type { Said } from "../settings/read.ts";
import { locate } from "./secrets.ts";

/** The settings of a server's membership in a fleet. */
export interface ConfiguredFleet {
  readonly address: EngineAddress;
  /** Name of the fleet in the engine. */
  readonly fleet: string;
  /** Secret; must not be logged. */
  readonly keys: FleetKeys;
  /** The name of this server in the fleet; default: the name of the host. */
  readonly node: string | undefined;
  readonly outage: Outage;
  /** Name of the nodes that share their keys. */
  readonly domain: string;
  readonly replay: Replay;
}

/** Settings with the contents of the files that they name. */
export type FleetContents =
  & Said<
    Omit<FleetSettings, "fleetKey" | "fleetAuthFile" | "fleetCa">
  >
  & {
    /** The line of the key file. Secret; must not be logged. */
    readonly fleetKey?: string;
    /**
     * The line of the file with the engine's credentials. Secret; must not be
     * logged.
     */
    readonly fleetAuth?: string;
    /** PEM certificates of the engine's certification authority. */
    readonly fleetCa?: string;
  };

/**
 * Reads the settings of the fleet; `undefined` if there is none.
 *
 * @throws {ConfigError} If a setting is missing or not allowed.
 */
export function fleetOf(said: FleetContents): ConfiguredFleet | undefined {
  const { fleet: place, fleetKey, fleetAuth, fleetCa, fleetPlain } = said;
  if (place === undefined) {
    if (fleetKey === undefined && said.node === undefined) return undefined;
    throw badValue(
      `${fleetKey === undefined ? "node" : "fleet_key"} is given without ` +
        "fleet: give fleet URL as well",
    );
  }
  if (fleetKey === undefined) {
    throw badValue(
      "fleet needs a key: give fleet_key FILE, the file that umbra fleet " +
        "init wrote",
    );
  }
  const { isSecure, isLocal, address, fleet } = place;
  if (!isSecure && !isLocal && !fleetPlain) {
    throw badValue(
      `fleet ${address.shown} is on another machine and has no TLS, so ` +
        "anyone on the network path could change users: give valkeys://, or " +
        "fleet_plain for a private network",
    );
  }
  if (fleetCa !== undefined && !isSecure) {
    throw badValue("fleet_ca needs an engine with TLS: give valkeys://");
  }
  return {
    address: {
      ...address,
      ...fleetAuth !== undefined && credentialsOf(fleetAuth),
      ...isSecure && { tls: fleetCa === undefined ? {} : { ca: fleetCa } },
    },
    fleet,
    keys: locate("fleet_key", () => readFleetKeys(fleetKey)),
    node: said.node,
    outage: said.fleetOutage ?? FLEET.fleetOutage.default!,
    domain: said.fleetDomain ?? FLEET.fleetDomain.default!,
    replay: said.fleetReplay ?? FLEET.fleetReplay.default!,
  };
}

/**
 * Reads the line of a key file: the key in base64, optionally followed by an
 * older key that it replaces.
 *
 * @throws {ConfigError} If the line is invalid.
 */
export function readFleetKeys(line: string): FleetKeys {
  const words = line.trim().split(/\s+/);
  if (words.length > 2) throw notBase64();
  return new FleetKeys(words.map((word) => {
    try {
      return Uint8Array.fromBase64(word);
    } catch {
      throw notBase64();
    }
  }));
}

function notBase64(): ConfigError {
  return badValue("expected a key of 32 bytes in base64, or two of them");
}

function credentialsOf(
  line: string,
): Pick<EngineAddress, "username" | "password"> {
  const at = line.indexOf(":");
  return at < 0
    ? { password: line }
    : { username: line.slice(0, at), password: line.slice(at + 1) };
}
