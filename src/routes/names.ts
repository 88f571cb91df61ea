/**
 * Names of hosts as routes compare them.
 *
 * @module
 */
import { MAX_NAME_LENGTH } from "../limits.ts";

/**
 * A name as DNS has it: ASCII, in lower case, without the dot at its end.
 *
 * Source: RFC 5891 (IDNA), as URLs apply it.
 *
 * @returns `undefined` for what is no name.
 */
export function asciiName(text: string): string | undefined {
  const name = text.endsWith(".") ? text.slice(0, -1) : text;
  if (ASCII_NAME.test(name)) {
    return name.length <= MAX_NAME_LENGTH ? name.toLowerCase() : undefined;
  }
  if (ASCII.test(name)) return undefined;
  const host = URL.parse(`http://${name}/`)?.hostname;
  // A URL reads other things than a host, and some names as addresses.
  return host !== undefined && host.includes("xn--") && ASCII_NAME.test(host) &&
      host.length <= MAX_NAME_LENGTH
    ? host
    : undefined;
}

/**
 * The name that a client asks for, which need not be a good one.
 *
 * @param host A name, never an address.
 */
export function questionName(host: string): string {
  const name = host.endsWith(".") ? host.slice(0, -1) : host;
  return asciiName(name) ?? name.toLowerCase();
}

/** Labels of what is seen in names; an underscore is, a space is not. */
const ASCII_NAME = /^[\w-]+(?:\.[\w-]+)*$/;
// deno-lint-ignore no-control-regex
const ASCII = /^[\x00-\x7f]*$/;
