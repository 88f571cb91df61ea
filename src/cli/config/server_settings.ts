/**
 * The settings of a Shadowsocks server from one source: command line, URI or
 * configuration file. All settings are optional.
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
import { badValue, ConfigError } from "../../errors.ts";
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
import { usage } from "../options/getopt.ts";

/** The settings of one server. */
export interface ServerSettings {
  /** The place of the settings, for messages. */
  readonly origin: string;
  /** Advice for a message about a missing setting. */
  readonly hint?: string | undefined;
  /** Name or IP address. */
  readonly host?: string | undefined;
  /** 0 to 65,535. */
  readonly port?: number | undefined;
  /** The encryption method. */
  readonly method?: Method | undefined;
  /** The secret from which the master key is made. */
  readonly secret?: Secret | undefined;
  /** The plugin program in front of the server. */
  readonly plugin?: PluginSettings | undefined;
  /** The users of a server that has several. */
  readonly users?: readonly UserSettings[] | undefined;
  readonly service?: Said<ServiceOptions> | undefined;
  /** Display name. */
  readonly tag?: string | undefined;
  /** `lightsocks` or a protocol of ShadowsocksR; not set for Shadowsocks. */
  readonly wire?: string | undefined;
  /**
   * The protocol parameter of ShadowsocksR: the user of a client, or the users
   * of a server.
   */
  readonly protocolParam?: string | undefined;
  /** The obfuscation of ShadowsocksR. */
  readonly obfs?: string | undefined;
  /** The hosts that the obfuscation names. */
  readonly obfsParam?: string | undefined;
  /** The text with which the salt of each stream begins. */
  readonly prefix?: string | undefined;
  /** The text with which the salt of each packet begins. */
  readonly packetPrefix?: string | undefined;
  /** The transport between local and server, if it is not plain TCP. */
  readonly transport?: WebSocketTransport | undefined;
  /** A server through which a local reaches this server. */
  readonly through?: ServerSettings | undefined;
  /** The address on which the server accepts WebSockets, if it does. */
  readonly websocket?: WebSocketServerOptions | undefined;
  /** Paths of the server's own ACL files, as written. */
  readonly acl?: readonly string[] | undefined;
  /** Addresses of targets that no client reaches. */
  readonly forbiddenIps?: Forbidden<CidrBlock> | undefined;
  /** Ports of targets that no client reaches. */
  readonly forbiddenPorts?: Forbidden<PortRange> | undefined;
  /** Sites to which strangers are redirected, as written. */
  readonly redirect?: readonly string[] | undefined;
  /**
   * Rate of each user without its own, in bytes a second; `Infinity` for no
   * limit.
   */
  readonly bytesPerSecond?: number | undefined;
  /**
   * Rate of each TCP connection, in bytes a second; `Infinity` for no limit.
   */
  readonly connectionBytesPerSecond?: number | undefined;
  /** The common limits of all clients without a name. */
  readonly owner?: LimitedUser | undefined;
  /** The name for programs. */
  readonly id?: string | undefined;
  /** Weight for TCP among several servers, 0 to 1. */
  readonly tcpWeight?: number | undefined;
  readonly udpWeight?: number | undefined;
}

/** A user of a server. */
export interface UserSettings {
  /** The name in the log and in counters. */
  readonly name: string;
  /** The secret from which the user's key is made. */
  readonly secret: Secret;
  /** The number that clients of ShadowsocksR send. */
  readonly uid?: number;
  /** The limits of the user; not set for no limits. */
  readonly limits?: UserLimits;
  /** Set if the user may not connect. */
  readonly disabled?: true;
}

/** Reads the options of the command line that apply to all servers. */
export function serverFromOptions(
  args: Arguments,
  secrets: Secrets,
): ServerSettings {
  const { port, method } = fromOptions(SERVER, args);
  const plugin = fromOptions(PLUGIN, args);
  // For a local the option also names the protocol of programs.
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

/** Reads the options of a service from the command line. */
function serviceFromOptions(args: Arguments): Said<ServiceOptions> {
  const { both, alone } = fromOptions(MODE_SWITCHES, args);
  if (both && alone) {
    throw usage(
      "-u and -U exclude each other: give -u for TCP and UDP, or -U for UDP only",
    );
  }
  return {
    ...fromOptions(SERVICE, args),
    ...(both && { mode: "tcp_and_udp" }),
    ...(alone && { mode: "udp_only" }),
  };
}

/** Reads the servers of `-s`. */
export function serversFromOptions(args: Arguments): ServerSettings[] {
  const { hosts = [] } = fromOptions(SERVER, args);
  return hosts.map((host, i) => {
    const which = hosts.length === 1 ? "" : ` (${i + 1} of ${hosts.length})`;
    return { origin: `-s, --server-addr${which}`, ...host };
  });
}

/**
 * Returns the word for the protocol that the other end speaks.
 *
 * @throws {ConfigError} If there are several.
 */
export function wireOf(
  words: readonly string[],
  origin: string,
): string | undefined {
  const [wire, second] = words.filter(isWire);
  if (second === undefined) return wire;
  throw badValue(`${origin}: two protocols for the other end; give one`);
}

/** Reads the server of an `ss://` or `ssr://` URI, or of a lightsocks URL. */
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
    throw usage(
      "For a server without a link, give -s HOST:PORT, -m METHOD and " +
        "--password-file FILE",
    );
  }
  const [, scheme = "ss"] = /^\s*([a-z][a-z\d+.-]*):\/\//i.exec(text) ?? [];
  if (scheme.toLowerCase() !== "ss") {
    throw new ConfigError(
      "ERR_SS_URI_INVALID",
      `A ${scheme.toLowerCase()}:// link is for another protocol, which ` +
        "Umbra does not support: ask for an ss:// link",
    );
  }
  const uri = parseServerUri(text);
  return serverFromParsed(uri, `the URI of ${uri.host}:${uri.port}`);
}

/** True if a word is a link to a server or to a list, and not a file. */
export function isLink(text: string): boolean {
  return /^\s*[a-z]+:\/\//i.test(text);
}

/** Returns the server of a ShadowsocksR link. */
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

/** The settings of a server that links and lists may contain. */
type Published =
  & ServerUri
  & Pick<ListedServer, "packetPrefix" | "transport" | "through">;

/**
 * Returns a published server.
 *
 * @param origin The place of the server, for messages.
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
 * Finds a method; the error names the place of an unknown name.
 *
 * @param shown The text for the name in the message.
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
