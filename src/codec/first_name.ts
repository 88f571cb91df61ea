/**
 * The host name in the first bytes of a client: the server name of TLS, or the
 * `Host` of an HTTP request.
 *
 * Source: RFC 9112 §3.2; for TLS see `client_hello.ts`.
 *
 * @module
 */
import { fromLatin1 } from "../bytes.ts";
import { ProtocolError } from "../errors.ts";
import { MAX_NAME_LENGTH } from "../limits.ts";
import { serverNameOf } from "./client_hello.ts";
import { fieldValues, HttpHeadReader, parseRequestHead } from "./http_head.ts";

/** The result of the search. `more`: the bytes are incomplete. */
export type FirstName =
  | { readonly kind: "name"; readonly name: string }
  | { readonly kind: "none" | "more" };

/**
 * Finds a host name in the first bytes of a connection.
 *
 * Time and space: linear in the bytes.
 *
 * @param bytes All bytes received so far; borrowed.
 * @returns `more` while a name can still follow. A name is in lower case and
 * never an address.
 */
export function firstName(bytes: Uint8Array): FirstName {
  if (bytes.length === 0) return MORE;
  const said = isCapital(bytes[0]!) ? hostOf(bytes) : serverNameOf(bytes);
  if (said === "more") return MORE;
  const name = said?.toLowerCase().replace(/\.$/, "");
  return name !== undefined && isName(name) ? { kind: "name", name } : NONE;
}

const MORE: FirstName = { kind: "more" };
const NONE: FirstName = { kind: "none" };

/** HTTP methods start with a capital letter; TLS records do not. */
function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

/**
 * Returns the host of a request to a server; requests to a proxy have none
 * here.
 */
function hostOf(bytes: Uint8Array): string | undefined {
  const text = fromLatin1(bytes);
  const end = text.indexOf("\r\n");
  const isRequest = end < 0
    ? BEGINNING.test(text)
    : REQUEST_LINE.test(text.slice(0, end));
  if (!isRequest) return undefined;
  if (!text.includes("\r\n\r\n")) return "more";
  try {
    const reader = new HttpHeadReader();
    reader.push(bytes);
    const { fields } = parseRequestHead(reader.next()!);
    const [host, second] = fieldValues(fields, "host");
    return second === undefined
      ? /^([^:]+)(?::\d+)?$/.exec(host ?? "")?.[1]
      : undefined;
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return undefined;
  }
}

const BEGINNING = /^[A-Z]+(?: |$)/;
const REQUEST_LINE = /^[A-Z]+ [/*]\S* HTTP\/1\.[01]$/;

/**
 * True for a host name. A name whose last label is a number would be parsed as
 * an address.
 */
function isName(text: string): boolean {
  return text.length <= MAX_NAME_LENGTH &&
    /^[\w-]+(?:\.[\w-]+)*$/.test(text) &&
    !/(?:^|\.)(?:\d+|0x[\da-f]*)$/.test(text);
}
