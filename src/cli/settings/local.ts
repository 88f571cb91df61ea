/**
 * Settings of the listening side of `ss-local`, `ss-tunnel` and `ss-redir`.
 *
 * @module
 */
import { type Address, formatAddress } from "../../codec/address.ts";
import { ONLINE_REFRESH_MS } from "../../limits.ts";
import {
  PAC_DEFAULTS,
  type PacSettings,
} from "../../service/inbound/proxy_pac.ts";
import type { SocksUser } from "../../service/inbound/socks5.ts";
import { DEFAULT_LOCAL } from "../commands/defaults.ts";
import { readSocksUser } from "../config/socks_users.ts";
import { type HostAndPort, readHostAndPort } from "../config/values.ts";
import { PROXY_FORMS, type ProxyForm } from "../system_proxy/desktops.ts";
import {
  choice,
  HOST,
  object,
  objects,
  ON_OR_OFF,
  PORT,
  PORT_OR_ANY,
  seconds,
  several,
  SWITCH,
  text,
  textAs,
} from "./kinds.ts";
import { isWire, WIRES } from "./legacy.ts";
import {
  type Kind,
  OF_LOCAL,
  type Place,
  type Settings,
  settings,
} from "./setting.ts";

/**
 * The protocols of a listening address. Only a file has tunnels, `dns`, and
 * `redir`, with which programs use no protocol of a proxy.
 */
export type SpokenProtocol =
  | "mixed"
  | "socks"
  | "http"
  | "tunnel"
  | "dns"
  | "redir";

const INBOUNDS: readonly SpokenProtocol[] = ["mixed", "socks", "http"];

/** The protocols for programs, for the server, or both. */
const PROTOCOL: Kind<string[]> = several(protocol(
  INBOUNDS,
  "mixed, socks, http, lightsocks, or a protocol of ShadowsocksR; a tunnel " +
    "has a command of its own",
));

const FILE_PROTOCOL: Kind<string[]> = several(protocol(
  [...INBOUNDS, "tunnel", "dns", "redir"],
  '"mixed", "socks", "http", "tunnel", "dns", "redir", "lightsocks", or a ' +
    "protocol of ShadowsocksR; for fake-dns give --fake-ip, others of " +
    "shadowsocks-rust are not supported",
));

function protocol(
  inbounds: readonly SpokenProtocol[],
  expected: string,
): Kind<string> {
  return {
    value: "PROTOCOL",
    type: "string",
    expected,
    schema: { type: "string" },
    words: [...inbounds, ...WIRES],
    read: (value) =>
      isWire(value) || inbounds.includes(value as SpokenProtocol)
        ? value as string
        : undefined,
  };
}

/** A target with its port, which is not 0. */
export const TARGET: Kind<Address> = textAs({
  value: "HOST:PORT",
  expected: "HOST:PORT, an IPv6 address in brackets",
  read(text): Address | undefined {
    const { host, port } = readHostAndPort(text) ?? {};
    return host !== undefined && port ? { host, port } : undefined;
  },
  write: formatAddress,
});

export interface LocalKeys {
  readonly address: HostAndPort;
  readonly port: number;
  readonly protocol: string[];
  readonly forwardAddress: string;
  readonly forwardPort: number;
  readonly socksAuthFile: string;
  readonly httpAuthFile: string;
}

/** The settings of a local: address and protocol. */
export const LOCAL: Settings<LocalKeys> = settings({
  places: OF_LOCAL,
  reload: "listens",
}, {
  address: {
    key: "local_address",
    flag: "local-addr",
    short: "b",
    kind: HOST,
    usual: DEFAULT_LOCAL.host,
    help: "Listening address of a local",
  },
  port: {
    name: "local_port",
    short: "l",
    kind: PORT_OR_ANY,
    usual: String(DEFAULT_LOCAL.port),
    help: "Listening port of a local; 0 lets the system choose",
  },
  protocol: {
    name: "protocol",
    short: "O",
    kind: PROTOCOL,
    fileKind: FILE_PROTOCOL,
    usual: "mixed, with Shadowsocks",
    help: "Protocol for programs: `mixed`, `socks` or `http`, in a file " +
      "also `tunnel`, `dns`, or `redir` for redirected connections; protocol " +
      "for the server, alone or in addition: " +
      WIRES.join(", "),
  },
  forwardAddress: {
    key: "forward_address",
    kind: text("HOST"),
    role: "local",
    help: "Host of the target of a `tunnel`",
  },
  forwardPort: {
    key: "forward_port",
    kind: PORT,
    role: "local",
    help: "Port of the target of a `tunnel`",
  },
  socksAuthFile: {
    key: "socks5_auth_config_path",
    kind: text("FILE", "file"),
    role: "local",
    help: "File of users and passwords for SOCKS5, as in shadowsocks-rust",
  },
  httpAuthFile: {
    key: "http_auth_config_path",
    kind: text("FILE", "file"),
    role: "local",
    help: "File of users and passwords for HTTP, as in shadowsocks-rust",
  },
});

/** The locals of a file. */
export const LOCALS: Settings<{ readonly locals: unknown[] }> = {
  locals: {
    key: "locals",
    kind: objects("local"),
    role: "local",
    help: "Several locals, each with keys of its own; see below",
    reload: "listens",
  },
};

/** The target of a tunnel. */
export const TUNNEL: Settings<{ readonly tunnelTo: Address }> = {
  tunnelTo: {
    key: "tunnel_address",
    places: OF_LOCAL,
    flag: "tunnel-address",
    short: "L",
    flagAliases: ["forward-addr"],
    kind: TARGET,
    role: "tunnel",
    help: "Target of `umbra tunnel`; the server resolves a name",
    reload: "listens",
  },
};

/** The users of a local. */
export const SOCKS_USERS: Settings<{ readonly users: SocksUser[] }> = {
  users: {
    flag: "socks-user",
    kind: several({
      ...textAs({
        value: "NAME:PASSWORD",
        expected: "NAME:PASSWORD in UTF-8, each of 1 to 255 bytes",
        read: readSocksUser,
      }),
      secret: true,
    }),
    help:
      "Require a user name and password, in both SOCKS5 and HTTP; repeat the " +
      "option for several users. SOCKS4 is then refused",
  },
};

/** The PAC file that a local serves on its own port. */
export const PAC: Settings<PacSettings> = settings({
  role: "local",
  reload: "listens",
}, {
  everywhere: {
    name: "pac",
    kind: SWITCH,
    default: PAC_DEFAULTS.everywhere,
    usual: "loopback only",
    help: "Also serve /proxy.pac to other machines",
  },
  fallback: {
    name: "pac_fallback",
    kind: SWITCH,
    default: PAC_DEFAULTS.fallback,
    help:
      "Let programs connect directly while the proxy does not answer; the PAC " +
      "file allows it",
  },
});

/** The settings of sniffing. */
export interface SniffKeys {
  readonly sniff: boolean;
  readonly override: boolean;
}

/** The use of the names that clients send first. */
export const SNIFF: Settings<SniffKeys> = settings({
  places: OF_LOCAL,
  role: "local",
  reload: "listens",
}, {
  sniff: {
    name: "sniff",
    kind: ON_OR_OFF,
    fileKind: SWITCH,
    usual: "on for `umbra redir`, else off",
    help:
      "Apply rules on names to programs that request an address, by the name " +
      "that they send first in TLS or HTTP: `on` or `off`",
  },
  override: {
    name: "sniff_override",
    kind: ON_OR_OFF,
    fileKind: SWITCH,
    default: false,
    usual: "off",
    help:
      "Also request that name from the server, instead of the address: `on` " +
      "or `off`",
  },
});

/** Makes the local the proxy of the system. */
export const SYSTEM_PROXY: Settings<{ readonly form: ProxyForm }> = {
  form: {
    flag: "system-proxy",
    kind: choice("FORM", PROXY_FORMS),
    help: "Make this local the proxy of the desktop while it runs: `pac` for " +
      "its PAC file, `socks` or `http` for the proxy itself",
  },
};

const ONLINE_PLACE: readonly Place[] = ["online"];

/** A published list of servers: the keys of `online_config`. */
export const ONLINE: Settings<{
  readonly url: string;
  readonly refreshMs: number;
}> = settings({ places: ONLINE_PLACE }, {
  url: {
    key: "config_url",
    kind: {
      ...text("URL"),
      schema: {
        type: "string",
        minLength: 1,
        examples: ["https://example.com/…"],
      },
    },
    help: "The https address of the list",
  },
  refreshMs: {
    key: "update_interval",
    flag: "refresh",
    flagAliases: ["online-config-update-interval"],
    kind: seconds(1_000, "seconds, 1 or more"),
    default: ONLINE_REFRESH_MS,
    help: "Time between two fetches of a published list of servers",
  },
});

/** The settings of a published list. */
export const LIST: Settings<{
  readonly online: object;
  readonly cacheFile: string;
}> = {
  online: {
    key: "online_config",
    kind: object({ $ref: "#/$defs/online" }, "an object"),
    role: "local",
    help: "A published list of servers, for a local; see below",
  },
  cacheFile: {
    flag: "cache",
    kind: text("FILE", "file"),
    usual: "in ~/.cache/umbra",
    help: "File for the last good list, used while its host does not answer",
  },
};
