/**
 * What one source (command line, URI, configuration file) says of a
 * Shadowsocks server; any part may be missing.
 *
 * @module
 */
import {
  isLightsocksUrl,
  parseLightsocksUrl,
} from "../../codec/lightsocks_config.ts";
import { formatLightsocksPassword } from "../../codec/lightsocks_password.ts";
import type { ListedServer } from "../../codec/sip008.ts";
import { parseSsrUri, type SsrUri } from "../../codec/ssr_uri.ts";
import { parseServerUri, type ServerUri } from "../../codec/uri.ts";
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import type { Arguments } from "../options/args.ts";
import {
  findSsrObfs,
  findSsrProtocol,
} from "../../session/shadowsocksr/names.ts";
import { isWire, SSR } from "../settings/legacy.ts";
import { LOCAL } from "../settings/local.ts";
import { FORBIDDEN, type Forbidden } from "../settings/network.ts";
import { fromOptions, type Said } from "../settings/read.ts";
import { PLUGIN } from "../settings/plugin.ts";
import { SERVER } from "../settings/server.ts";
import { MODE_SWITCHES, SERVICE } from "../settings/service.ts";
import type { ServiceOptions } from "../../service/options.ts";
import type { WebSocketServerOptions } from "../../service/carriers/websocket/server.ts";
import type { LimitedUser } from "../../service/server/account.ts";
import type { PortRange } from "../../routes/condition.ts";
import type { CidrBlock } from "../../security/target_policy.ts";
import type { UserLimits } from "../../users.ts";
import {
  pluginFromLink,
  type PluginSettings,
  saidPlugin,
} from "./plugin_settings.ts";
import { locate, type Secret, type Secrets } from "./secrets.ts";
import { readHostAndPort } from "./values.ts";

/** One server, as far as the settings say. */
export interface ServerSettings {
  /** The place where the server was written, for messages. */
  readonly origin: string;
  /** Advice for the message that something is missing. */
  readonly hint?: string | undefined;
  /** Name or IP address. */
  readonly host?: string | undefined;
  /** 0 to 65,535. */
  readonly port?: number | undefined;
  /** Cipher. */
  readonly method?: Method | undefined;
  /** The source of the master key. */
  readonly secret?: Secret | undefined;
  /** The program in front of it. */
  readonly plugin?: PluginSettings | undefined;
  /** The users of a server that has several. */
  readonly users?: readonly UserSettings[] | undefined;
  readonly service?: Said<ServiceOptions> | undefined;
  /** Name for people. */
  readonly tag?: string | undefined;
  /** `lightsocks`, or a protocol of ShadowsocksR; else Shadowsocks is spoken. */
  readonly wire?: string | undefined;
  /**
   * The parameter of ShadowsocksR: the user of a client, or the users of a
   * server.
   */
  readonly protocolParam?: string | undefined;
  /** Disguise of ShadowsocksR. */
  readonly obfs?: string | undefined;
  /** Hosts of the disguise. */
  readonly obfsParam?: string | undefined;
  /** The text with which the salt of each stream begins. */
  readonly prefix?: string | undefined;
  /** The text with which the salt of each packet begins. */
  readonly packetPrefix?: string | undefined;
  /** The carrier between a local and the server. */
  readonly transport?: WebSocketTransport | undefined;
  /** A server of a local's on the way to it. */
  readonly through?: ServerSettings | undefined;
  /** The address for WebSockets, if there is one. */
  readonly websocket?: WebSocketServerOptions | undefined;
  /** Paths of ACL files of its own, as written. */
  readonly acl?: readonly string[] | undefined;
  /** Addresses and ports of targets that no client reaches. */
  readonly forbiddenIps?: Forbidden<CidrBlock> | undefined;
  readonly forbiddenPorts?: Forbidden<PortRange> | undefined;
  /** Sites for strangers, as written. */
  readonly redirect?: readonly string[] | undefined;
  /** Bytes a second of each user without such a limit; `Infinity` for none. */
  readonly bytesPerSecond?: number | undefined;
  /** The rate of each TCP connection; `Infinity` for none. */
  readonly connectionBytesPerSecond?: number | undefined;
  /** The limits of all clients without a name together. */
  readonly owner?: LimitedUser | undefined;
  /** Name for programs. */
  readonly id?: string | undefined;
  /** Share for TCP beside other servers, 0 to 1. */
  readonly tcpWeight?: number | undefined;
  readonly udpWeight?: number | undefined;
}

/** A user of a server. */
export interface UserSettings {
  /** The name in the log and the counters. */
  readonly name: string;
  /** The source of the user's key. */
  readonly secret: Secret;
  /** Number that clients of ShadowsocksR send. */
  readonly uid?: number;
  /** The limits of the user; not set: none. */
  readonly limits?: UserLimits;
  /** Set: the user may not connect. */
  readonly disabled?: true;
}

/** The options that hold for every server of a command line. */
export function serverFromOptions(
  args: Arguments,
  secrets: Secrets,
): ServerSettings {
  const { port, method } = fromOptions(SERVER, args);
  const plugin = fromOptions(PLUGIN, args);
  // For a local the option also says what programs speak.
  const { wire: _, ...around } = SSR;
  return {
    origin: "the command line",
    ...fromOptions(around, args),
    ...fromOptions(FORBIDDEN, args),
    wire: wireOf(fromOptions(LOCAL, args).protocol ?? [], "-O, --protocol"),
    port,
    method: methodAt("-m, --encrypt-method", method, "given"),
    secret: secrets.fromOptions(args),
    plugin: saidPlugin({
      ...plugin,
      ...plugin.name !== undefined && { option: "--plugin" },
    }),
    service: serviceFromOptions(args),
  };
}

/** The options of a service from the command line. */
function serviceFromOptions(args: Arguments): Said<ServiceOptions> {
  const { both, alone } = fromOptions(MODE_SWITCHES, args);
  if (both && alone) {
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      "-u and -U: give one, -u for TCP and UDP or -U for UDP alone",
    );
  }
  return {
    ...fromOptions(SERVICE, args),
    ...(both && { mode: "tcp_and_udp" }),
    ...(alone && { mode: "udp_only" }),
  };
}

/** The servers that `-s` names. */
export function serversFromOptions(args: Arguments): ServerSettings[] {
  const { hosts = [] } = fromOptions(SERVER, args);
  return hosts.map((host, i) => {
    const which = hosts.length === 1 ? "" : ` (${i + 1} of ${hosts.length})`;
    return { origin: `-s, --server-addr${which}`, ...host };
  });
}

/**
 * The word that names what is spoken with the other end.
 *
 * @throws {ConfigError} When there are several.
 */
export function wireOf(
  words: readonly string[],
  origin: string,
): string | undefined {
  const [wire, second] = words.filter(isWire);
  if (second === undefined) return wire;
  throw new ConfigError(
    "ERR_CONFIG_VALUE",
    `${origin}: two protocols to speak with the other end; give one`,
  );
}

/** The server of an `ss://` or `ssr://` URI, or of a lightsocks URL. */
export function serverFromUri(text: string): ServerSettings {
  if (/^\s*ssr:/i.test(text)) {
    const uri = parseSsrUri(text);
    return serverFromSsr(uri, `the URI of ${uri.host}:${uri.port}`);
  }
  if (isLightsocksUrl(text)) {
    const { server, table } = parseLightsocksUrl(text);
    const origin = `the URL of ${server.host}:${server.port}`;
    return {
      origin,
      ...server,
      wire: "lightsocks",
      secret: {
        kind: "password",
        text: formatLightsocksPassword(table, "go"),
        origin,
      },
    };
  }
  const place = isLink(text) ? undefined : readHostAndPort(text);
  if (place?.port !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_USAGE",
      "A server without a link is named by -s HOST:PORT, with -m METHOD and " +
        "--password-file FILE beside it",
    );
  }
  const [, scheme = "ss"] = /^\s*([a-z][a-z\d+.-]*):\/\//i.exec(text) ?? [];
  if (scheme.toLowerCase() !== "ss") {
    throw new ConfigError(
      "ERR_SS_URI_INVALID",
      `A ${scheme.toLowerCase()}:// link is of another protocol, which is not ` +
        "spoken here: ask for an ss:// link",
    );
  }
  const uri = parseServerUri(text);
  return serverFromParsed(uri, `the URI of ${uri.host}:${uri.port}`);
}

/** True if a word is a link to a server or to a list, and not a file. */
export function isLink(text: string): boolean {
  return /^\s*[a-z]+:\/\//i.test(text);
}

/** The server of a link of ShadowsocksR. */
export function serverFromSsr(
  { host, port, method, password, tag, ...ssr }: SsrUri,
  origin: string,
): ServerSettings {
  return {
    origin,
    host,
    port,
    method: methodAt(origin, method, "in it"),
    secret: { kind: "password", text: password, origin },
    tag,
    wire: locate(origin, () => findSsrProtocol(ssr.protocol)).name,
    obfs: locate(origin, () => findSsrObfs(ssr.obfs)).name,
    protocolParam: ssr.protocolParam,
    obfsParam: ssr.obfsParam,
  };
}

/** The part of a server that links and lists may have. */
type Published =
  & ServerUri
  & Pick<ListedServer, "packetPrefix" | "transport" | "through">;

/**
 * The server that somebody published.
 *
 * @param origin Where, for messages.
 */
export function serverFromParsed(
  { host, port, method, password, plugin, prefix, tag, ...listed }: Published,
  origin: string,
): ServerSettings {
  const { packetPrefix, transport, through } = listed;
  return {
    origin,
    host,
    port,
    method: methodAt(origin, method),
    secret: { kind: "password", text: password, origin },
    plugin: pluginFromLink(plugin),
    tag,
    prefix,
    packetPrefix,
    transport,
    ...through && { through: serverFromParsed(through, origin) },
  };
}

/**
 * Finds a method and says where its name was written if there is none.
 *
 * @param shown Stands for the name in the message.
 */
export function methodAt(
  origin: string,
  name: string | undefined,
  shown?: string,
): Method | undefined {
  return name === undefined
    ? undefined
    : locate(origin, () =>
      findMethod(name, {
        allowLegacy: true,
        ...(shown !== undefined && { shown }),
      }));
}
