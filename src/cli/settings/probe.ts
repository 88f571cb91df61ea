/**
 * Settings of the commands that test a server, `doctor` and `check server`.
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
import { OFF, SECONDS, several, SWITCH, textAs, whole } from "./kinds.ts";
import { TARGET } from "./local.ts";
import type { Kind, Settings } from "./setting.ts";

/** The settings of a test. */
export interface ProbeSettings {
  /** The target to reach through the server. */
  readonly target: Address;
  /** Time limit of each step in milliseconds. */
  readonly waitMs: number;
}

/** The table of {@link ProbeSettings}. */
export const PROBE: Settings<ProbeSettings> = {
  target: {
    flag: "target",
    kind: TARGET,
    default: PROBE_TARGET,
    help: "Target to reach through the server; it gets an HTTP HEAD request",
  },
  waitMs: {
    flag: "wait",
    kind: SECONDS,
    default: PROBE_WAIT_MS,
    help: "Time limit of each step",
  },
};

const URL_KIND: Kind<URL> = textAs({
  value: "URL",
  expected: URL_EXPECTED,
  read: readUrl,
});

/** The name of a host, in lower case. */
const NAME: Kind<string> = textAs({
  value: "NAME",
  expected: "the name of a host",
  read(text): string | undefined {
    const name = text.toLowerCase();
    return addressQuery(0, name, DNS_TYPE.a) && name;
  },
});

/** Additional settings of `doctor`. */
export const DOCTOR: Settings<{
  readonly udp: boolean;
  readonly dns: boolean;
  readonly names: string[];
  readonly clockUrl: URL;
  readonly resolver: Address;
  readonly json: boolean;
}> = {
  udp: { flag: "udp", short: "u", kind: SWITCH, help: "Test UDP as well" },
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

/** Additional settings of `check server`. */
export const MEASURE: Settings<MeasureKeys> = {
  count: {
    flag: "count",
    kind: whole(1, 1_000, {
      value: "N",
      type: "count",
      expected: "a whole number from 1 to 1000",
    }),
    default: PROBE_COUNT,
    help: "Number of measurements of each time",
  },
  url: {
    flag: "url",
    kind: URL_KIND,
    help: "Also measure throughput: download this address through the server",
  },
  limitMs: {
    flag: "seconds",
    kind: SECONDS,
    default: DOWNLOAD_MS,
    help: "Maximum duration of the download",
  },
  json: {
    flag: "json",
    ...OFF,
    help: "Print one JSON object (`server`)",
  },
};
