/**
 * Host names as routes compare them.
 *
 * @module
 */
import { MAX_NAME_LENGTH } from "../limits.ts";

/**
 * Converts a name to ASCII, in lower case, without a dot at its end.
 *
 * Source: RFC 5891 (IDNA), as URLs apply it.
 *
 * @returns `undefined` if the text is not a name.
 */
export function asciiName(text: string): string | undefined {
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  if (ASCII_NAME.test(name)) {
    return name.length <= MAX_NAME_LENGTH ? name.toLowerCase() : undefined;
  }
  if (ASCII.test(name)) return undefined;
  const host = URL.parse(`http://${name}/`)?.hostname;
  // A URL may contain more than a host, and some names are parsed as addresses.
  return host !== undefined && host.includes("xn--") && ASCII_NAME.test(host) &&
      host.length <= MAX_NAME_LENGTH
    ? host
    : undefined;
}

/**
 * Returns the name that a client requests, which may be invalid.
 *
 * @param host A name, never an address.
 */
export function questionName(host: string): string {
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  return asciiName(name) ?? name.toLowerCase();
}

/**
 * Labels as they occur in practice, which includes underscores but not spaces.
 */
const ASCII_NAME = /^[\w-]+(?:\.[\w-]+)*$/;
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
