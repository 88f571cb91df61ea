/**
 * Base64 in both alphabets, with or without padding.
 *
 * Source: RFC 4648 §4, §5.
 *
 * @module
 */
import { fromLatin1, toLatin1 } from "../bytes.ts";

/**
 * Decodes either alphabet, with or without padding.
 *
 * @returns New bytes; `undefined` if the text is not base64.
 */
export function decodeBase64(text: string): Uint8Array | undefined {
  const base64 = text.replaceAll("-", "+").replaceAll("_", "/")
    .replace(/={1,2}$/, "");
  if (base64.length % 4 === 1 || !/^[A-Za-z0-9+/]*$/.test(base64)) {
    return undefined;
  }
  return toLatin1(atob(base64));
}

/** Encodes in the standard alphabet, with padding. */
export function encodeBase64(bytes: Uint8Array): string {
  return btoa(fromLatin1(bytes));
}

/** Encodes in the URL alphabet, without padding. */
export function encodeBase64Url(bytes: Uint8Array): string {
  return encodeBase64(bytes)
    .replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
