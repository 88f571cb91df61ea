/**
 * What one source (command line, URI, configuration file) says of a
 * Shadowsocks server; any part may be missing.
 *
 * @module
 */
import { parseServerUri, type ServerUri } from "../../codec/uri.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import type { Arguments } from "../options/args.ts";
import { badOption, option } from "../options/option_value.ts";
import { locate, type Secret, type Secrets } from "./secrets.ts";
import type { UdpSettings } from "./udp_settings.ts";
import type { UserSettings } from "./user_settings.ts";
import {
  HOST_EXPECTED,
  PORT_EXPECTED,
  readHostAndPort,
  readPort,
  readSeconds,
  SECONDS_EXPECTED,
} from "./values.ts";

/** One server, as far as it is told. */
export interface ServerSettings {
  /** Where it was written, for messages. */
  readonly origin: string;
  /** For messages that something is missing: what may have been meant. */
  readonly hint?: string | undefined;
  /** Name or IP address. */
  readonly host?: string | undefined;
  /** 0 to 65,535. */
  readonly port?: number | undefined;
  /** Cipher. */
  readonly method?: Method | undefined;
  /** What the master key is made of. */
  readonly secret?: Secret | undefined;
  /** Who may connect to a server, where several may. */
  readonly users?: readonly UserSettings[] | undefined;
  /** Milliseconds without a byte. */
  readonly idleTimeoutMs?: number | undefined;
  /** Whether and how its UDP is served. */
  readonly udp?: UdpSettings | undefined;
  /** Name for people. */
  readonly tag?: string | undefined;
}

/** The options that hold for every server of a command line. */
export function serverFromOptions(
  args: Arguments,
  secrets: Secrets,
): ServerSettings {
  const origin = "the command line";
  return {
    origin,
    port: option(args, "server-port", (v) => readPort(v, 0), PORT_EXPECTED),
    method: methodAt(
      "-m, --encrypt-method",
      args.last("encrypt-method"),
      "given",
    ),
    secret: secrets.fromOptions(args),
    idleTimeoutMs: option(
      args,
      "timeout",
      (v) => readSeconds(v, 1),
      SECONDS_EXPECTED,
    ),
  };
}

/** The servers that `-s` names. */
export function serversFromOptions(args: Arguments): ServerSettings[] {
  return args.all("server-addr").map((text, i, { length }) => {
    const read = readHostAndPort(text);
    if (read === undefined) {
      throw badOption("server-addr", HOST_EXPECTED);
    }
    const which = length === 1 ? "" : ` (${i + 1} of ${length})`;
    return { origin: `-s, --server-addr${which}`, ...read };
  });
}

/**
 * The server of an `ss://` URI.
 *
 * @throws {ConfigError} Also for a plugin, which we cannot start.
 */
export function serverFromUri(text: string): ServerSettings {
  const uri = parseServerUri(text);
  return serverFromParsed(uri, `the URI of ${uri.host}:${uri.port}`);
}

/**
 * The server that somebody published.
 *
 * @param origin Where, for messages.
 * @throws {ConfigError} Also for a plugin, which we cannot start.
 */
export function serverFromParsed(
  { host, port, method, password, plugin, tag }: ServerUri,
  origin: string,
): ServerSettings {
  if (plugin !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${origin}: plugins are not supported by this version, it asks for ` +
        `"${plugin.split(";")[0]}"`,
    );
  }
  return {
    origin,
    host,
    port,
    method: methodAt(origin, method),
    secret: { kind: "password", text: password, origin },
    tag,
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
    : locate(origin, () => findMethod(name, shown));
}
