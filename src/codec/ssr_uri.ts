/**
 * `ssr://` links: one ShadowsocksR server as a line of text, and the lists of
 * them that providers publish.
 *
 * Wire form: `ssr://` base64url of `HOST:PORT:PROTOCOL:METHOD:OBFS:B(password)`
 * and `/?obfsparam=B&protoparam=B&remarks=B&group=B&udpport=N&uot=N`, where B
 * is base64url of UTF-8, without padding. A list is base64 of such lines. Does
 * not: check method, protocol and obfs.
 *
 * Security: no error message repeats any part of a link, which is a secret as a
 * whole.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { decodeBase64, encodeBase64Url } from "./base64.ts";

/** The content of an `ssr://` link. */
export interface SsrUri {
  /** Name or IP address, without brackets. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  /** The protocol as written, without `_compatible`. */
  readonly protocol: string;
  /** Method name as written. */
  readonly method: string;
  /** The obfs as written, without `_compatible`. */
  readonly obfs: string;
  /** The password of the port; any text. */
  readonly password: string;
  /** The parameter of the obfs, usually a host. */
  readonly obfsParam?: string;
  /** `UID:PASSWORD` of a user. */
  readonly protocolParam?: string;
  /** Name of the server for people. */
  readonly tag?: string;
  /** Name of the list that contains the server, for people. */
  readonly group?: string;
  /** Other parameters as they are written, in order. */
  readonly extra?: readonly (readonly [name: string, value: string])[];
}

/**
 * Parses a link in either alphabet, padded or not.
 *
 * @throws {ConfigError} `ERR_SS_URI_INVALID`.
 */
export function parseSsrUri(uri: string): SsrUri {
  const match = /^ssr:\/\/(\S+)$/i.exec(uri.trim());
  if (match === null) throw invalid("it does not start with ssr://");
  const text = decodeText(match[1]!, "the link");
  const [, server = "", query = ""] = /^([^?]*?)\/?(?:\?(.*))?$/s.exec(text) ??
    [];
  // Only the host can contain colons, if it is an IPv6 address.
  const parts = server.split(":");
  if (parts.length < 6) {
    throw invalid("it is not HOST:PORT:PROTOCOL:METHOD:OBFS:PASSWORD");
  }
  const [port, protocol, method, obfs, password] = parts.slice(-5);
  const host = parts.slice(0, -5).join(":").replace(/^\[(.*)\]$/, "$1");
  if (!isHost(host)) throw invalid("its server is not a name or IP address");
  if (!/^\d{1,5}$/.test(port!) || Number(port) < 1 || Number(port) > 65_535) {
    throw invalid("its port is not in the range 1 to 65535");
  }
  if (method === "") throw invalid("it has no method");
  return {
    host,
    port: Number(port),
    protocol: plainName(protocol!) || "origin",
    method: method!,
    obfs: plainName(obfs!) || "plain",
    password: required(decodeText(password!, "the password"), "password"),
    ...parseQuery(query),
  };
}

/**
 * Formats a link.
 *
 * @throws {ConfigError} `ERR_SS_URI_INVALID` if parsing would not return the
 * same parts.
 */
export function formatSsrUri(server: SsrUri): string {
  const { host, port, protocol, method, obfs, password } = server;
  for (const part of [protocol, method, obfs]) {
    if (!/^[\w.-]+$/.test(part)) {
      throw invalid("its method, protocol or obfs has invalid characters");
    }
  }
  if (!isHost(host)) throw invalid("its server is not a name or IP address");
  const query = [
    ...text("obfsparam", server.obfsParam),
    ...text("protoparam", server.protocolParam),
    ...text("remarks", server.tag),
    ...text("group", server.group),
    ...(server.extra ?? []).map(([name, value]) => `${name}=${value}`),
  ];
  const fields = [host, port, protocol, method, obfs];
  return "ssr://" + encodeText(
    `${fields.join(":")}:${encodeText(required(password, "password"))}` +
      `/?${query.join("&")}`,
  );
}

/**
 * Returns the links of a subscription, in order; other lines are ignored.
 *
 * @returns `undefined` if the text is neither links nor base64 of text.
 */
export function readSubscription(body: string): string[] | undefined {
  const text = body.replace(/^\uFEFF/, "").trim();
  const lines = LINK.test(text) ? text : decodeUtf8(text.replace(/\s+/g, ""));
  return lines?.split(/\s*\r?\n\s*/).filter((line) => LINK.test(line));
}

/** Removes the suffix of servers, which clients do not use. */
export function plainName(name: string): string {
  return name.replace(/_compatible$/, "");
}

/** Matches a line that is a link. */
const LINK = /^[a-z][a-z\d+.-]*:\/\//i;

function parseQuery(query: string): Partial<SsrUri> {
  const found = new Map<string, string>();
  const extra: [string, string][] = [];
  for (const pair of query.split("&")) {
    const [name = "", ...rest] = pair.split("=");
    // Padding of base64 adds equals signs to the value.
    const value = rest.join("=");
    if (KNOWN.has(name)) {
      if (value !== "") found.set(name, decodeText(value, `"${name}"`));
    } else if (name !== "") extra.push([name, value]);
  }
  const optional = (key: string, name: string): Partial<SsrUri> => {
    const value = found.get(name);
    return value === undefined ? {} : { [key]: value };
  };
  return {
    ...optional("obfsParam", "obfsparam"),
    ...optional("protocolParam", "protoparam"),
    ...optional("tag", "remarks"),
    ...optional("group", "group"),
    ...(extra.length > 0 && { extra }),
  };
}

const KNOWN = new Set(["obfsparam", "protoparam", "remarks", "group"]);

function isHost(host: string): boolean {
  return host.includes(":")
    ? /^[\da-f:.]+$/i.test(host)
    : /^[^\s/?#@%[\]]+$/.test(host);
}

function text(name: string, value: string | undefined): string[] {
  return value === undefined || value === ""
    ? []
    : [`${name}=${encodeText(value)}`];
}

function required(value: string, what: string): string {
  if (value !== "") return value;
  throw invalid(`the ${what} is empty`);
}

function encodeText(text: string): string {
  return encodeBase64Url(new TextEncoder().encode(text));
}

function decodeText(base64: string, what: string): string {
  const text = decodeUtf8(base64);
  if (text !== undefined) return text;
  throw invalid(`${what} is not base64 of UTF-8`);
}

function decodeUtf8(base64: string): string | undefined {
  const bytes = decodeBase64(base64);
  if (bytes === undefined) return undefined;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

function invalid(why: string): ConfigError {
  return new ConfigError(
    "ERR_SS_URI_INVALID",
    `Not a valid ssr:// link: ${why}`,
  );
}
