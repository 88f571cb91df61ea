/**
 * `ss://` URIs: one Shadowsocks server as a line of text.
 *
 * Wire form:
 * `ss://USERINFO@HOST:PORT[/][?plugin=VALUE&prefix=VALUE&...][#TAG]`, where
 * USERINFO is base64url of `method:password` without padding, or both parts
 * percent-encoded with a `:` between. The older form
 * `ss://BASE64(method:password@host:port)[#TAG]` is read as well. Source:
 * SIP002 (https://shadowsocks.org/doc/sip002.html). Does not: check the method.
 *
 * The parts that are used are parsed strictly, and a parsed URI can be
 * formatted and parsed again with the same result. An invalid tag or an unused
 * parameter does not make a link invalid.
 *
 * Security: no error message repeats any part of the user info.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { hasHidden, shownText } from "../text.ts";
import { decodeBase64, encodeBase64Url } from "./base64.ts";

/** The content of an `ss://` URI. */
export interface ServerUri {
  /** Method name as written. */
  readonly method: string;
  /** Password, or the base64 keys of a 2022 method. */
  readonly password: string;
  /** Name or IP address, without brackets. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  /** Plugin name and its options: `name;option=value`. */
  readonly plugin?: string;
  /**
   * The text with which the salt of each stream begins; each character is one
   * byte.
   */
  readonly prefix?: string;
  /** Name of the server for people. */
  readonly tag?: string;
  /** Other query parameters, in order. */
  readonly extra?: readonly (readonly [name: string, value: string])[];
}

/** Port of a URI without one, as in shadowsocks-rust. */
const DEFAULT_PORT = 8388;

/**
 * Parses a URI.
 *
 * @throws {ConfigError} `ERR_SS_URI_INVALID`.
 */
export function parseServerUri(uri: string): ServerUri {
  const match = /^ss:\/\/([^?#]*)(?:\?([^#]*))?(?:#(.*))?$/is.exec(uri.trim());
  if (!match) throw invalid("it does not start with ss://");
  const [, authority = "", query, fragment] = match;
  const at = authority.lastIndexOf("@");
  const plain = at < 0;
  const text = plain
    ? decodeText(decodePercent(authority.replace(/\/$/, ""), "the user info"))
    : authority;
  const split = text.lastIndexOf("@");
  if (split < 0) {
    throw invalid("it names no server: expected USERINFO@HOST:PORT");
  }
  const userInfo = text.slice(0, split);
  return {
    ...(plain ? splitUserInfo(userInfo) : parseUserInfo(userInfo)),
    ...parseHost(text.slice(split + 1)),
    ...parseQuery(query ?? ""),
    ...parseTag(fragment),
  };
}

/**
 * Formats a URI in the form of SIP002. The user info is base64, or
 * percent-encoded for a 2022 method, as its specification requires. Characters
 * of the tag that cannot be displayed are dropped.
 *
 * @throws {ConfigError} `ERR_SS_URI_INVALID` if parsing would not return the
 * same parts.
 */
export function formatServerUri(server: ServerUri): string {
  const { method, password, host, port, extra = [] } = server;
  const own = OWN_PARAMETERS.flatMap((name) =>
    server[name] ? [[name, server[name]] as const] : []
  );
  checkMethod(method);
  if (password === "") throw invalid("the password is empty");
  checkText(password, "the password");
  checkText([...own, ...extra].flat().join(""), "the query");
  const tag = shownText(server.tag ?? "");
  const userInfo = method.startsWith("2022-")
    ? `${encodeURIComponent(method)}:${encodeURIComponent(password)}`
    : encodeBase64Url(new TextEncoder().encode(`${method}:${password}`));
  const address = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  parseHost(address);
  const query = [...own, ...extra].map(([name, value]) =>
    `${encodeURIComponent(name)}=${encodeURIComponent(value)}`
  );
  return `ss://${userInfo}@${address}` +
    (query.length > 0 ? `/?${query.join("&")}` : "") +
    (tag ? `#${encodeURIComponent(tag)}` : "");
}

type Credentials = Pick<ServerUri, "method" | "password">;

function parseUserInfo(userInfo: string): Credentials {
  if (!userInfo.includes(":")) {
    return splitUserInfo(
      decodeText(decodePercent(userInfo, "the user info")),
    );
  }
  const { method, password } = splitUserInfo(userInfo);
  const decoded = {
    method: decodePercent(method, "the method"),
    password: decodePercent(password, "the password"),
  };
  checkMethod(decoded.method);
  return decoded;
}

function checkMethod(method: string): void {
  if (method === "" || method.includes(":")) {
    throw invalid("the method is empty or has a colon");
  }
  checkText(method, "the method");
}

function checkText(text: string, what: string): void {
  if (!text.isWellFormed()) throw invalid(`${what} is not well-formed text`);
}

/**
 * Decodes the server's name for people; characters that cannot be displayed are
 * dropped.
 */
function parseTag(fragment: string | undefined): Pick<ServerUri, "tag"> {
  const tag = shownText(decodeLeniently(fragment ?? ""));
  return tag === "" ? {} : { tag };
}

function splitUserInfo(text: string): Credentials {
  const colon = text.indexOf(":");
  if (colon < 1 || colon === text.length - 1) {
    throw invalid("the user info is not METHOD:PASSWORD");
  }
  return { method: text.slice(0, colon), password: text.slice(colon + 1) };
}

function parseHost(text: string): Pick<ServerUri, "host" | "port"> {
  const match =
    /^(?:\[([\da-f.]+|[\da-f.]*:[\da-f:.]*(?:%[\w.-]+)?)\]|([^\s:/?#@%[\]]+))(?::(\d+))?\/?$/i
      .exec(text);
  if (!match || hasHidden(text)) {
    throw invalid(
      "the server is not HOST:PORT (an IPv6 address is in brackets)",
    );
  }
  const port = match[3] === undefined ? DEFAULT_PORT : Number(match[3]);
  if (port < 1 || port > 65_535) {
    throw invalid(`port ${match[3]} is not in the range 1 to 65535`);
  }
  return { host: match[1] ?? match[2]!, port };
}

/** The parameters that are used, in the order in which they are written. */
const OWN_PARAMETERS = ["plugin", "prefix"] as const;

function parseQuery(
  query: string,
): Pick<ServerUri, "plugin" | "prefix" | "extra"> {
  const pairs = query.split("&").filter(Boolean).map((pair) => {
    const [name = "", ...value] = pair.split("=");
    return [decodeLeniently(name), value.join("=")] as const;
  });
  const own = OWN_PARAMETERS.flatMap((name) => {
    const written = pairs.find(([one]) => one === name)?.[1];
    return written ? [[name, decodePercent(written, `the ${name}`)]] : [];
  });
  const extra = pairs
    .filter(([name]) => !OWN_PARAMETERS.some((own) => own === name))
    .map(([name, value]) => [name, decodeLeniently(value)] as const);
  return {
    ...Object.fromEntries(own),
    ...(extra.length > 0 ? { extra } : {}),
  };
}

function decodePercent(text: string, what: string): string {
  checkText(text, what);
  try {
    return decodeURIComponent(text);
  } catch (cause) {
    if (!(cause instanceof URIError)) throw cause;
    throw invalid(`${what} is not percent-encoded UTF-8`);
  }
}

/** Decodes text; parts that are not percent-encoded UTF-8 stay unchanged. */
function decodeLeniently(text: string): string {
  return text.toWellFormed().replace(/(?:%[\da-f]{2})+/gi, (run) => {
    try {
      return decodeURIComponent(run);
    } catch (error) {
      if (!(error instanceof URIError)) throw error;
      return run;
    }
  });
}

/** Decodes base64 of UTF-8. */
function decodeText(text: string): string {
  const bytes = text === "" ? undefined : decodeBase64(text);
  if (bytes === undefined) {
    throw invalid("the user info is neither METHOD:PASSWORD nor base64 of it");
  }
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause;
    throw invalid("the base64 text does not hold UTF-8");
  }
}

function invalid(why: string): ConfigError {
  return new ConfigError("ERR_SS_URI_INVALID", `Not a valid ss:// URI: ${why}`);
}
