/**
 * The fleet of a server, of its settings.
 *
 * @module
 */
import type { EngineAddress } from "../../adapters/fleet/_engine_client.ts";
import { FleetKeys } from "../../adapters/fleet/fleet_keys.ts";
import { ConfigError } from "../../errors.ts";
import type { Replay } from "../../service/fleet/domain_salts.ts";
import type { Outage } from "../../service/fleet/member.ts";
import { FLEET, type FleetSettings } from "../settings/fleet.ts";
import type { Said } from "../settings/read.ts";
import { locate } from "./secrets.ts";

/** What a server is started with that has a fleet. */
export interface ConfiguredFleet {
  readonly address: EngineAddress;
  /** Name of the fleet in the engine. */
  readonly fleet: string;
  /** Never logged. */
  readonly keys: FleetKeys;
  /** Not set: the name of the host. */
  readonly node: string | undefined;
  readonly outage: Outage;
  /** Name of those that share its keys. */
  readonly domain: string;
  readonly replay: Replay;
}

/** Settings with what is in the files that they name. */
export type FleetContents =
  & Said<
    Omit<FleetSettings, "fleetKey" | "fleetAuthFile" | "fleetCa">
  >
  & {
    /** The line of the key's file. Never logged. */
    readonly fleetKey?: string;
    /** The line of the file of who we are. Never logged. */
    readonly fleetAuth?: string;
    /** Certificates. */
    readonly fleetCa?: string;
  };

/**
 * The fleet; `undefined` where there is none.
 *
 * @throws {ConfigError} When something is missing, or must not be.
 */
export function fleetOf(said: FleetContents): ConfiguredFleet | undefined {
  const { fleet: place, fleetKey, fleetAuth, fleetCa, fleetPlain } = said;
  if (place === undefined) {
    if (fleetKey === undefined && said.node === undefined) return undefined;
    throw wrong(
      `${fleetKey === undefined ? "node" : "fleet_key"} is there, and no ` +
        "fleet: give fleet URL beside it",
    );
  }
  if (fleetKey === undefined) {
    throw wrong(
      "fleet needs its key: give fleet_key FILE, the file that umbra fleet " +
        "init has written",
    );
  }
  const { isSecure, isLocal, address, fleet } = place;
  if (!isSecure && !isLocal && !fleetPlain) {
    throw wrong(
      `fleet ${address.shown} is another machine's, and without TLS anyone who ` +
        "is between can change what users may: give valkeys://, or " +
        "fleet_plain for a private network",
    );
  }
  if (fleetCa !== undefined && !isSecure) {
    throw wrong("fleet_ca is for an engine that speaks TLS: give valkeys://");
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
 * The line of a key file: the key in base64, and behind it one that it
 * replaces.
 *
 * @throws {ConfigError} When it is none.
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
  return wrong("expected a key of 32 bytes in base64, or two of them");
}

function credentialsOf(
  line: string,
): Pick<EngineAddress, "username" | "password"> {
  const at = line.indexOf(":");
  return at < 0
    ? { password: line }
    : { username: line.slice(0, at), password: line.slice(at + 1) };
}

function wrong(what: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", what);
}
