/**
 * Settings of what peers speak that know nothing newer: stream ciphers,
 * ShadowsocksR and lightsocks.
 *
 * @module
 */
import { SSR_OBFS, SSR_PROTOCOLS } from "../../session/shadowsocksr/names.ts";
import type { HostAndPort } from "../config/values.ts";
import {
  choice,
  PORT,
  REMARK,
  REMOTE_HOST,
  SWITCH,
  textAs,
  whole,
} from "./kinds.ts";
import {
  REDIRECT_EXPECTED,
  redirectTargets,
} from "../../codec/ssr_redirect.ts";
import { readHostAndPort, readInteger } from "../config/values.ts";
import { type Kind, OF_SERVER, type Place, type Settings } from "./setting.ts";

/** The protocols that may take the place of Shadowsocks. */
export const WIRES: readonly string[] = [
  "lightsocks",
  ...Object.keys(SSR_PROTOCOLS),
];

/** Servers of ShadowsocksR may let clients in that do without. */
const compatible = (names: readonly string[]): string[] =>
  names.map((name) => `${name}_compatible`);

/** The same names with the suffix that the originals give some of them. */
const WIRE_NAMES: readonly string[] = [
  ...WIRES,
  ...compatible(WIRES.slice(1)),
];

/** True if a word is spoken with the other end, and not with programs. */
export function isWire(word: unknown): boolean {
  return WIRE_NAMES.includes(word as string);
}

const OBFS_NAMES = Object.keys(SSR_OBFS);

/** Names of protocols: shells propose those without the suffix. */
const WIRE: Kind<string> = {
  ...choice(
    "PROTOCOL",
    WIRE_NAMES,
    "lightsocks, or a protocol of ShadowsocksR such as auth_aes128_md5",
  ),
  words: WIRES,
};

/** True if what does not protect may be spoken. */
export const LEGACY: Settings<{ readonly allowLegacy: boolean }> = {
  allowLegacy: {
    key: "allow_legacy",
    flag: "allow-legacy",
    kind: SWITCH,
    default: false,
    help: "Serve stream ciphers, ShadowsocksR and lightsocks, which protect " +
      "nothing from changes; SECURITY.md says what is lost",
    reload: "adopts",
  },
};

/** Sites for strangers; what is empty names none. */
const REDIRECT: Kind<string[]> = {
  type: "string or list",
  expected: `${REDIRECT_EXPECTED}, or a list`,
  schema: {
    anyOf: [{ type: "string" }, { type: "array", items: { type: "string" } }],
  },
  read(value): string[] | undefined {
    const all = [value].flat().filter((one) => one !== "");
    if (!all.every((one) => typeof one === "string")) return undefined;
    try {
      redirectTargets(all, 1);
      return all;
    } catch {
      return undefined;
    }
  },
};

const KIBIBYTE = 1_024;

/** The largest number that is exact in bytes. */
const MAX_KIBIBYTES = Math.floor(Number.MAX_SAFE_INTEGER / KIBIBYTE);

/** KiB a second; 0 is none, read as `Infinity`. */
const KIBIBYTES: Kind<number> = {
  ...whole(0, MAX_KIBIBYTES, {
    type: "KiB a second",
    expected: "a whole number of KiB a second, or 0 for no limit",
  }),
  read: (value) => {
    const read = readInteger(value, 0, MAX_KIBIBYTES);
    return read === 0 ? Infinity : read && read * KIBIBYTE;
  },
};

/** The layers around the cipher of ShadowsocksR, and its users. */
export interface SsrKeys {
  readonly wire: string;
  readonly protocolParam: string;
  readonly obfs: string;
  readonly obfsParam: string;
  readonly redirect: string[];
  readonly bytesPerSecond: number;
  readonly connectionBytesPerSecond: number;
}

/** The letters are those of the Python original. */
export const SSR: Settings<SsrKeys> = {
  wire: {
    key: "protocol",
    places: ["server"],
    flag: "protocol",
    short: "O",
    kind: WIRE,
    usual: "Shadowsocks",
    help: `Speak with the other end: ${WIRES.join(", ")}`,
    reload: "adopts",
  },
  protocolParam: {
    key: "protocol_param",
    places: OF_SERVER,
    flag: "protocol-param",
    short: "G",
    kind: { ...REMARK, secret: true },
    help: "ShadowsocksR. Local: `UID:PASSWORD` of its user. Server: " +
      "`64#UID:PASSWORD,UID:PASSWORD`, its users",
    reload: "adopts",
  },
  obfs: {
    key: "obfs",
    places: OF_SERVER,
    flag: "obfs",
    short: "o",
    kind: {
      ...choice(
        "OBFS",
        [...OBFS_NAMES, ...compatible(OBFS_NAMES)],
        "a disguise of ShadowsocksR such as tls1.2_ticket_auth",
      ),
      words: OBFS_NAMES,
    },
    usual: "plain",
    help: `Disguise of ShadowsocksR: ${OBFS_NAMES.join(", ")}; of a server ` +
      "also with `_compatible`, for clients without it",
    reload: "adopts",
  },
  obfsParam: {
    key: "obfs_param",
    places: OF_SERVER,
    flag: "obfs-param",
    short: "g",
    kind: REMARK,
    help: "Hosts that the disguise pretends to speak with, separated by commas",
    reload: "adopts",
  },
  redirect: {
    key: "redirect",
    places: OF_SERVER,
    kind: REDIRECT,
    usual: "silence",
    help: "Server of ShadowsocksR: sites where strangers are sent, each as " +
      "`HOST:PORT`, or as `*:LISTENPORT#HOST:PORT`",
    reload: "adopts",
  },
  bytesPerSecond: {
    key: "speed_limit_per_user",
    places: OF_SERVER,
    kind: KIBIBYTES,
    usual: "no limit",
    help: "Server: KiB a second of each user without `bytes_per_second`, and " +
      "of all together who have no name; each direction by itself",
    reload: "adopts",
  },
  connectionBytesPerSecond: {
    key: "speed_limit_per_con",
    places: OF_SERVER,
    kind: KIBIBYTES,
    usual: "no limit",
    help: "Server: KiB a second of each TCP connection; each direction by " +
      "itself",
    reload: "adopts",
  },
};

/** An entry of `additional_ports`, or of `port_password`. */
const PORTS = {
  type: "object",
  additionalProperties: { type: ["object", "array", "string", "number"] },
};

/** More ports of a server, as ShadowsocksR has them. */
export const SSR_PORTS: Settings<{
  readonly additionalPorts: object;
  readonly additionalPortsOnly: boolean;
  readonly host6: HostAndPort;
}> = {
  additionalPorts: {
    key: "additional_ports",
    kind: {
      type: "object",
      expected: 'an object like { "8389": { "password": "PASSWORD" } }',
      schema: PORTS,
      read: (value) =>
        typeof value === "object" && value !== null && !Array.isArray(value)
          ? value
          : undefined,
    },
    role: "server",
    help: "More ports of ShadowsocksR, each with `password`, `method`, " +
      "`protocol`, `protocol_param`, `obfs` and `obfs_param` of its own",
    reload: "adopts",
  },
  additionalPortsOnly: {
    key: "additional_ports_only",
    kind: SWITCH,
    role: "server",
    help: "Serve `additional_ports` without `server_port`",
    reload: "adopts",
  },
  host6: {
    key: "server_ipv6",
    kind: REMOTE_HOST,
    help: "The second address where a server listens, as ShadowsocksR has it",
    reload: "listens",
  },
};

const TOP: readonly Place[] = ["top"];

/** `HOST:PORT`, or `:PORT` for every address. */
const LISTEN: Kind<HostAndPort> = textAs({
  value: "HOST:PORT",
  type: "string",
  expected: "HOST:PORT or :PORT",
  read(text): HostAndPort | undefined {
    const read = readHostAndPort(text.startsWith(":") ? `[::]${text}` : text);
    return read?.port ? read : undefined;
  },
});

/** Keys of both originals of lightsocks; they mean nothing else. */
export const LIGHTSOCKS: Settings<{
  readonly listen: HostAndPort;
  readonly remote: HostAndPort;
  readonly serverHost: HostAndPort;
  readonly serverPort: number;
  readonly localHost: HostAndPort;
  readonly localPort: number;
}> = {
  listen: {
    key: "listen",
    places: TOP,
    kind: LISTEN,
    help: "Where lightsocks listens, at either end, as its Go original has it",
    reload: "listens",
  },
  remote: {
    key: "remote",
    places: TOP,
    kind: LISTEN,
    role: "local",
    help: "The lightsocks server of a local, as its Go original has it",
    reload: "adopts",
  },
  serverHost: {
    key: "serverAddr",
    places: TOP,
    kind: REMOTE_HOST,
    help: "Host of the lightsocks server, as its Python original has it",
    reload: "listens",
  },
  serverPort: {
    key: "serverPort",
    places: TOP,
    kind: PORT,
    help: "Port of the lightsocks server, as its Python original has it",
    reload: "listens",
  },
  localHost: {
    key: "localAddr",
    places: TOP,
    kind: REMOTE_HOST,
    help: "Where a lightsocks local listens, as its Python original has it",
    reload: "listens",
  },
  localPort: {
    key: "localPort",
    places: TOP,
    kind: PORT,
    help: "Port of a lightsocks local, as its Python original has it",
    reload: "listens",
  },
};

/** The settings of a lightsocks local. */
export const BLIND: Settings<{ readonly blind: boolean }> = {
  blind: {
    key: "blind",
    flag: "blind",
    kind: SWITCH,
    default: false,
    help: "Only translate bytes between programs and a lightsocks server, as " +
      "its originals do; programs then speak SOCKS5 with the server",
    reload: "listens",
  },
};
