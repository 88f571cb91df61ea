/**
 * Settings of legacy protocols: stream ciphers, ShadowsocksR and lightsocks.
 *
 * @module
 */
import { SSR_OBFS, SSR_PROTOCOLS } from "../../session/shadowsocksr/names.ts";
import {
  type HostAndPort,
  readHostAndPort,
  readInteger,
} from "../config/values.ts";
import {
  choice,
  OFF,
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
import { type Kind, OF_SERVER, type Settings, settings } from "./setting.ts";

/** The protocols that can replace Shadowsocks. */
export const WIRES: readonly string[] = [
  "lightsocks",
  ...Object.keys(SSR_PROTOCOLS),
];

/**
 * Adds the names of a ShadowsocksR server that also accepts clients without the
 * protocol.
 */
const compatible = (names: readonly string[]): string[] =>
  names.map((name) => `${name}_compatible`);

/** The same names with the suffix that the original programs add to some. */
const WIRE_NAMES: readonly string[] = [
  ...WIRES,
  ...compatible(WIRES.slice(1)),
];

/** True if a word names a protocol of the server, and not one of programs. */
export function isWire(word: unknown): boolean {
  return WIRE_NAMES.includes(word as string);
}

const OBFS_NAMES = Object.keys(SSR_OBFS);

/** Names of protocols; shells complete only those without the suffix. */
const WIRE: Kind<string> = {
  ...choice(
    "PROTOCOL",
    WIRE_NAMES,
    "lightsocks, or a protocol of ShadowsocksR such as auth_aes128_md5",
  ),
  words: WIRES,
};

/** True if legacy methods may be used. */
export const LEGACY: Settings<{ readonly allowLegacy: boolean }> = {
  allowLegacy: {
    key: "allow_legacy",
    flag: "allow-legacy",
    ...OFF,
    help: "Allow stream ciphers, ShadowsocksR and lightsocks, which do not " +
      "protect the traffic from changes; see SECURITY.md",
    reload: "adopts",
  },
};

/** Sites for strangers; an empty text names none. */
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

/** Largest number of KiB whose bytes are an exact number. */
const MAX_KIBIBYTES = Math.floor(Number.MAX_SAFE_INTEGER / KIBIBYTE);

/** KiB a second; 0 means no limit and is read as `Infinity`. */
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

/** The layers of ShadowsocksR around the cipher, and its users. */
export interface SsrKeys {
  readonly wire: string;
  readonly protocolParam: string;
  readonly obfs: string;
  readonly obfsParam: string;
  readonly redirect: string[];
  readonly bytesPerSecond: number;
  readonly connectionBytesPerSecond: number;
}

/** The letters of the options are those of the Python original. */
export const SSR: Settings<SsrKeys> = settings({
  places: OF_SERVER,
  reload: "adopts",
}, {
  wire: {
    name: "protocol",
    places: ["server"],
    short: "O",
    kind: WIRE,
    usual: "Shadowsocks",
    help: `Protocol of the other end: ${WIRES.join(", ")}`,
  },
  protocolParam: {
    name: "protocol_param",
    short: "G",
    kind: { ...REMARK, secret: true },
    help: "ShadowsocksR. Local: `UID:PASSWORD` of the user. Server: " +
      "`64#UID:PASSWORD,UID:PASSWORD` for all users",
  },
  obfs: {
    name: "obfs",
    short: "o",
    kind: {
      ...choice(
        "OBFS",
        [...OBFS_NAMES, ...compatible(OBFS_NAMES)],
        "an obfuscation of ShadowsocksR such as tls1.2_ticket_auth",
      ),
      words: OBFS_NAMES,
    },
    usual: "plain",
    help:
      `Obfuscation of ShadowsocksR: ${OBFS_NAMES.join(", ")}; on a server ` +
      "also with the suffix `_compatible`, for clients without obfuscation",
  },
  obfsParam: {
    name: "obfs_param",
    short: "g",
    kind: REMARK,
    help: "Hosts that the obfuscation pretends to contact, separated by commas",
  },
  redirect: {
    key: "redirect",
    kind: REDIRECT,
    usual: "silence",
    help:
      "Server of ShadowsocksR: sites to which strangers are redirected, each " +
      "as `HOST:PORT` or `*:LISTENPORT#HOST:PORT`",
  },
  bytesPerSecond: {
    key: "speed_limit_per_user",
    kind: KIBIBYTES,
    usual: "no limit",
    help:
      "Server: KiB a second of each user without `bytes_per_second`, and of " +
      "all clients without a name together; each direction separately",
  },
  connectionBytesPerSecond: {
    key: "speed_limit_per_con",
    kind: KIBIBYTES,
    usual: "no limit",
    help: "Server: KiB a second of each TCP connection; each direction by " +
      "itself",
  },
});

/** An entry of `additional_ports` or of `port_password`. */
const PORTS = {
  type: "object",
  additionalProperties: { type: ["object", "array", "string", "number"] },
};

/** Additional ports of a server, as in ShadowsocksR. */
export const SSR_PORTS: Settings<{
  readonly additionalPorts: object;
  readonly additionalPortsOnly: boolean;
  readonly host6: HostAndPort;
}> = settings({ reload: "adopts" }, {
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
  },
  additionalPortsOnly: {
    key: "additional_ports_only",
    kind: SWITCH,
    role: "server",
    help: "Serve `additional_ports` without `server_port`",
  },
  host6: {
    key: "server_ipv6",
    kind: REMOTE_HOST,
    help: "The second listening address of a server, as in ShadowsocksR",
    reload: "listens",
  },
});

/** `HOST:PORT`, or `:PORT` for every address. */
const LISTEN: Kind<HostAndPort> = textAs({
  value: "HOST:PORT",
  expected: "HOST:PORT or :PORT",
  read(text): HostAndPort | undefined {
    const read = readHostAndPort(text.startsWith(":") ? `[::]${text}` : text);
    return read?.port ? read : undefined;
  },
});

/** The keys of both original lightsocks programs. */
export const LIGHTSOCKS: Settings<{
  readonly listen: HostAndPort;
  readonly remote: HostAndPort;
  readonly serverHost: HostAndPort;
  readonly serverPort: number;
  readonly localHost: HostAndPort;
  readonly localPort: number;
}> = settings({ reload: "listens" }, {
  listen: {
    key: "listen",
    kind: LISTEN,
    help:
      "Listening address of lightsocks, local or server, as in the Go original",
  },
  remote: {
    key: "remote",
    kind: LISTEN,
    role: "local",
    help: "The lightsocks server of a local, as in the Go original",
    reload: "adopts",
  },
  serverHost: {
    key: "serverAddr",
    kind: REMOTE_HOST,
    help: "Host of the lightsocks server, as in the Python original",
  },
  serverPort: {
    key: "serverPort",
    kind: PORT,
    help: "Port of the lightsocks server, as in the Python original",
  },
  localHost: {
    key: "localAddr",
    kind: REMOTE_HOST,
    help: "Listening host of a lightsocks local, as in the Python original",
  },
  localPort: {
    key: "localPort",
    kind: PORT,
    help: "Listening port of a lightsocks local, as in the Python original",
  },
});

/** The settings of a lightsocks local. */
export const BLIND: Settings<{ readonly blind: boolean }> = {
  blind: {
    key: "blind",
    flag: "blind",
    ...OFF,
    help:
      "Only translate bytes between programs and a lightsocks server, as the " +
      "original programs do; programs then use SOCKS5 with the server",
    reload: "listens",
  },
};
