/**
 * Settings of the commands that try a server, `doctor` and `check server`.
 *
 * @module
 */
import { type Address, formatAddress } from "../../codec/address.ts";
import { addressQuery, DNS_TYPE } from "../../codec/dns_records.ts";
import {
  DEFAULT_RESOLVER,
  DOWNLOAD_MS,
  PROBE_COUNT,
  PROBE_TARGET,
  PROBE_WAIT_MS,
} from "../commands/defaults.ts";
import { readUrl, URL_EXPECTED } from "../config/values.ts";
import { SECONDS, several, SWITCH, textAs, whole } from "./kinds.ts";
import { TARGET } from "./local.ts";
import type { Kind, Settings } from "./setting.ts";

/** The settings of a trial. */
export interface ProbeSettings {
  /** The target to reach through the server. */
  readonly target: Address;
  /** Milliseconds for each step. */
  readonly waitMs: number;
}

/** The table of them. */
export const PROBE: Settings<ProbeSettings> = {
  target: {
    flag: "target",
    kind: TARGET,
    default: PROBE_TARGET,
    help: "What to reach through the server; it is sent an HTTP HEAD",
  },
  waitMs: {
    flag: "wait",
    kind: SECONDS,
    default: PROBE_WAIT_MS,
    help: "How long each step may take",
  },
};

const URL_KIND: Kind<URL> = textAs({
  value: "URL",
  type: "string",
  expected: URL_EXPECTED,
  read: readUrl,
});

/** Names go out in lower case. */
const NAME: Kind<string> = textAs({
  value: "NAME",
  type: "string",
  expected: "the name of a host",
  read(text): string | undefined {
    const name = text.toLowerCase();
    return addressQuery(0, name, DNS_TYPE.a) && name;
  },
});

/** The settings of `doctor` besides. */
export const DOCTOR: Settings<{
  readonly udp: boolean;
  readonly dns: boolean;
  readonly names: string[];
  readonly clockUrl: URL;
  readonly resolver: Address;
  readonly json: boolean;
}> = {
  udp: { flag: "udp", short: "u", kind: SWITCH, help: "Try UDP, too" },
  resolver: {
    flag: "udp-target",
    kind: TARGET,
    usual: formatAddress(DEFAULT_RESOLVER),
    help: "The resolver to ask through the server over UDP",
  },
  dns: {
    flag: "dns",
    kind: SWITCH,
    help: "Try the DNS inbound of a local, too: leaks, resolvers, which of " +
      "them answers a name, made-up addresses",
  },
  names: {
    flag: "dns-name",
    kind: several(NAME),
    usual: "the target",
    help: "A name to ask the DNS inbound for; repeat it for several",
  },
  clockUrl: {
    flag: "clock-url",
    kind: URL_KIND,
    help: "Compare this machine's clock with that of a web server",
  },
  json: { flag: "json", kind: SWITCH, help: "Print one JSON object" },
};

export interface MeasureKeys {
  readonly count: number;
  readonly url?: URL | undefined;
  readonly limitMs: number;
  readonly json: boolean;
}

/** The settings of `check server` besides. */
export const MEASURE: Settings<MeasureKeys> = {
  count: {
    flag: "count",
    kind: whole(1, 1_000, {
      value: "N",
      type: "count",
      expected: "a whole number from 1 to 1000",
    }),
    default: PROBE_COUNT,
    help: "How often each time is taken",
  },
  url: {
    flag: "url",
    kind: URL_KIND,
    help: "Measure throughput, too: download this through the server",
  },
  limitMs: {
    flag: "seconds",
    kind: SECONDS,
    default: DOWNLOAD_MS,
    help: "How long to download at most",
  },
  json: {
    flag: "json",
    kind: SWITCH,
    default: false,
    help: "Print one JSON object (`server`)",
  },
};
