/**
 * Settings of a server that shares its users with other servers.
 *
 * @module
 */
import {
  type FleetPlace,
  parseFleetUrl,
} from "../../adapters/fleet/engine_url.ts";
import type { Replay } from "../../service/fleet/domain_salts.ts";
import type { Outage } from "../../service/fleet/member.ts";
import { choice, OFF, text, textAs } from "./kinds.ts";
import { type Settings, settings } from "./setting.ts";

/** The settings of a fleet member. */
export interface FleetSettings {
  readonly fleet: FleetPlace;
  readonly fleetKey: string;
  readonly fleetAuthFile: string;
  readonly fleetCa: string;
  readonly fleetPlain: boolean;
  readonly fleetOutage: Outage;
  readonly fleetDomain: string;
  readonly fleetReplay: Replay;
  readonly node: string;
}

const NAME = textAs({
  value: "NAME",
  expected: "up to 64 letters, digits, dots, dashes and underscores",
  read: (name) => /^[A-Za-z0-9._-]{1,64}$/.test(name) ? name : undefined,
});

/** The fleet of a server. */
export const FLEET: Settings<FleetSettings> = settings({ role: "server" }, {
  fleet: {
    name: "fleet",
    kind: textAs({
      value: "URL",
      expected: "valkeys://HOST[:PORT], valkey://…, " +
        "valkeys+sentinel://HOST,HOST/PRIMARY or unix:/PATH, with ?fleet=NAME " +
        "for one of several, and without a password",
      read: parseFleetUrl,
      write: ({ address }) => address.shown,
    }),
    help:
      "Share users, quotas and devices with the servers of a fleet, whose " +
      "engine (Valkey or Redis) has this address; users of the file stay this " +
      "server's own",
  },
  fleetKey: {
    name: "fleet_key",
    kind: text("FILE", "file"),
    reload: "adopts",
    help: "File with the key of the fleet, written by `umbra fleet init`; " +
      "passwords in the engine are encrypted with it",
  },
  fleetAuthFile: {
    name: "fleet_auth_file",
    kind: text("FILE", "file"),
    help: "File with `USER:PASSWORD`, or only the password, for the engine",
  },
  fleetCa: {
    name: "fleet_ca",
    kind: text("FILE", "file"),
    help:
      "Certificates (PEM) of the authority for the engine's TLS, instead of " +
      "the system's",
  },
  fleetPlain: {
    name: "fleet_plain",
    ...OFF,
    help: "Connect to an engine on another machine without TLS; only for a " +
      "private network",
  },
  fleetOutage: {
    name: "fleet_outage",
    kind: choice<Outage>("WORD", ["serve", "strict"]),
    default: "serve",
    help: "Users whose lease ends while the engine is unreachable: `serve` " +
      "allows each 64 MiB more, `strict` none",
  },
  fleetDomain: {
    name: "fleet_domain",
    kind: NAME,
    default: "main",
    help: "Name of the servers that have the same keys as this one: what is " +
      "recorded at one of them is served by none",
  },
  fleetReplay: {
    name: "fleet_replay",
    kind: choice<Replay>("WORD", ["exchange", "strict"]),
    default: "exchange",
    help:
      "How servers of one domain know what was served: `exchange` sends it " +
      "to the others within 0.3 s, `strict` asks the engine first, and serves no new " +
      "connection while the engine is away",
  },
  node: {
    name: "node",
    kind: NAME,
    usual: "the name of the host",
    help: "Name of this server in its fleet; unique",
  },
});
