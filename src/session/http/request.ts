/**
 * Reads a client's request to an HTTP proxy, and makes the request for the
 * target; without I/O.
 *
 * Fields for a single connection are removed (RFC 9110 §7.6.1). No field is
 * added that identifies a proxy or a client.
 *
 * Source: RFC 9110 §7, §9.3.6; RFC 9112 §3, §9.3; RFC 7617.
 *
 * @module
 */
import { toLatin1 } from "../../bytes.ts";
import type { Address } from "../../codec/address.ts";
import {
  bodyFraming,
  type HttpFraming,
  NO_BODY,
} from "../../codec/http_body.ts";
import {
  encodeHead,
  fieldValues,
  type HttpField,
  type HttpRequestHead,
  listElements,
} from "../../codec/http_head.ts";
import { parseIp } from "../../codec/ip_address.ts";
import type { Socks5Credentials } from "../../codec/socks5.ts";
import { ProtocolError } from "../../errors.ts";

/** The parts of every request. */
interface AnyRequest {
  /** The target. */
  readonly address: Address;
  /** The method as the client wrote it. */
  readonly method: string;
  /** The client's minor version: HTTP/1.0 or 1.1. */
  readonly minorVersion: 0 | 1;
  /** The framing of the client's body, which is kept. */
  readonly framing: HttpFraming;
  /** True if the client wants to keep its connection. */
  readonly keepAlive: boolean;
  /** True if the client waits for `100 Continue` before it sends its body. */
  readonly expectsContinue: boolean;
  /** User name and password, if the client sent them. */
  readonly credentials: Socks5Credentials | undefined;
}

/** A request to relay raw bytes. */
export interface HttpConnect extends AnyRequest {
  readonly kind: "connect";
}

/** A request to forward. */
export interface HttpForward extends AnyRequest {
  readonly kind: "forward";
  /** The head for the target. */
  readonly head: Uint8Array;
  /** True if the client asks for an upgrade; 101 is then a valid answer. */
  readonly upgrades: boolean;
}

/**
 * Reads a client's request.
 *
 * @throws {ProtocolError} `ERR_HTTP_MALFORMED` for a target that no proxy can
 * serve; `ERR_HTTP_FRAMING`.
 */
export function readProxyRequest(
  head: HttpRequestHead,
): HttpConnect | HttpForward {
  const { method, minorVersion, fields } = head;
  const framing = bodyFraming(fields, minorVersion) ?? NO_BODY;
  const common = {
    method,
    minorVersion,
    framing,
    keepAlive: keepsAlive(fields, minorVersion),
    expectsContinue: listElements(fields, "expect").includes("100-continue"),
    credentials: basicCredentials(fields),
  };
  if (fieldValues(fields, "host").length > 1) {
    throw malformed("it has several Host fields");
  }
  if (method === "CONNECT") {
    if (hasBody(framing)) throw malformed("CONNECT has no body");
    const address = parseAuthority(head.target);
    if (address === undefined) throw malformed("CONNECT needs host:port");
    return { kind: "connect", ...common, framing: NO_BODY, address };
  }
  const { authority, path } = splitTarget(head.target, method);
  const address = parseAuthority(authority, 80);
  if (address === undefined) throw malformed("its target has no valid host");
  const upgrade = upgradeFields(head, framing);
  const forwarded: HttpField[] = [
    // Host comes first, as RFC 9110 §7.2 advises; the target replaces a
    // different Host.
    ["Host", authority.replace(/:$/, "")],
    ...endToEnd(fields).filter(([name]) => !REPLACED.has(name.toLowerCase())),
    ...framingFields(framing),
    ...upgrade,
  ];
  const line = `${method} ${path} HTTP/1.1`;
  return {
    kind: "forward",
    ...common,
    address,
    head: encodeHead(line, forwarded),
    upgrades: upgrade.length > 0,
  };
}

/**
 * Returns the fields of an upgrade, such as WebSocket. It is forwarded only if
 * the request has no body, so that no more HTTP can follow. RFC 9110 §7.8.
 */
function upgradeFields(
  { fields, minorVersion }: HttpRequestHead,
  framing: HttpFraming,
): HttpField[] {
  const wanted = fieldValues(fields, "upgrade");
  const asks = listElements(fields, "connection").includes("upgrade");
  // HTTP/1.0 has no upgrades.
  if (!asks || wanted.length === 0 || minorVersion === 0) return [];
  if (hasBody(framing)) return [];
  return [["Connection", "Upgrade"], ["Upgrade", wanted.join(", ")]];
}

/** True if a message may have a body. */
export function hasBody(framing: HttpFraming): boolean {
  return framing.kind === "length"
    ? framing.length > 0
    : framing.kind !== "none";
}

/**
 * Returns the fields that announce a body.
 *
 * @param codings Transfer codings before `chunked`.
 */
export function framingFields(
  framing: HttpFraming,
  codings: readonly string[] = [],
): HttpField[] {
  switch (framing.kind) {
    case "length":
      return [["Content-Length", String(framing.length)]];
    case "chunked":
      return [["Transfer-Encoding", [...codings, "chunked"].join(", ")]];
    default:
      return [];
  }
}

/**
 * True if the sender of a message keeps its connection open: HTTP/1.1 does
 * unless it says otherwise, HTTP/1.0 does not. The non-standard
 * `Proxy-Connection` is used if there is no `Connection`.
 */
export function keepsAlive(
  fields: readonly HttpField[],
  minorVersion: 0 | 1,
): boolean {
  const name = fieldValues(fields, "connection").length > 0
    ? "connection"
    : "proxy-connection";
  const options = listElements(fields, name);
  return !options.includes("close") &&
    (minorVersion === 1 || options.includes("keep-alive"));
}

/** Returns the fields that are forwarded. RFC 9110 §7.6.1. */
export function endToEnd(fields: readonly HttpField[]): HttpField[] {
  const named = new Set(listElements(fields, "connection"));
  return fields.filter(([name]) => {
    const lower = name.toLowerCase();
    return !HOP_BY_HOP.has(lower) && !named.has(lower);
  });
}

const HOP_BY_HOP: ReadonlySet<string> = new Set([
  ...["connection", "proxy-connection", "keep-alive", "te", "trailer"],
  ...["proxy-authenticate", "proxy-authorization", "proxy-authentication-info"],
  ...["transfer-encoding", "upgrade", "http2-settings"],
]);

/** Fields of a request that the proxy sets itself. */
const REPLACED: ReadonlySet<string> = new Set(["host", "content-length"]);

/** Splits the absolute form into authority and origin form. RFC 9112 §3.2. */
function splitTarget(
  target: string,
  method: string,
): { authority: string; path: string } {
  // A fragment is only for the client, but some clients send it.
  const match = /^http:\/\/([^/?#]*)([^#]*)(?:#.*)?$/i.exec(target);
  if (match === null) {
    throw malformed(
      /^https:/i.test(target)
        ? "an https:// target needs CONNECT"
        : "a proxy needs an absolute http:// target",
    );
  }
  const [, authority, rest] = match as unknown as [string, string, string];
  if (rest === "") return { authority, path: method === "OPTIONS" ? "*" : "/" };
  return { authority, path: rest.startsWith("/") ? rest : `/${rest}` };
}

/** Reads `host`, `host:port` or `[ipv6]:port`, without user and escapes. */
function parseAuthority(
  text: string,
  defaultPort?: number,
): Address | undefined {
  const match = /^(?:\[([0-9A-Fa-f:.]+)\]|([\w.~-]{1,255}))(?::(\d*))?$/
    .exec(text);
  if (match === null) return undefined;
  const [, ipv6, name, digits = ""] = match;
  if (ipv6 !== undefined && parseIp(ipv6)?.length !== 16) return undefined;
  const port = digits === "" ? defaultPort : Number(digits);
  if (port === undefined || port < 1 || port > 0xffff) return undefined;
  return { host: ipv6 ?? name!, port };
}

/** Reads `Basic base64(name:password)`. RFC 7617 §2. */
function basicCredentials(
  fields: readonly HttpField[],
): Socks5Credentials | undefined {
  const [value, second] = fieldValues(fields, "proxy-authorization");
  const match = /^basic +([A-Za-z0-9+/]+={0,2})$/i.exec(value ?? "");
  if (match === null || second !== undefined) return undefined;
  let text: string;
  try {
    text = atob(match[1]!);
  } catch {
    // Invalid base64 counts as no credentials, which the client is asked for
    // again.
    return undefined;
  }
  const bytes = toLatin1(text);
  const colon = bytes.indexOf(0x3a);
  if (colon < 0) return undefined;
  return {
    username: bytes.subarray(0, colon),
    password: bytes.subarray(colon + 1),
  };
}

function malformed(what: string): ProtocolError {
  return new ProtocolError(
    "ERR_HTTP_MALFORMED",
    `Cannot serve HTTP request: ${what}`,
  );
}
