/**
 * Decompression with a size limit, by the runtime.
 *
 * @module
 */
import { inflateSync, zstdDecompressSync } from "node:zlib";
import { ConfigError, messageOf } from "../../errors.ts";

/**
 * Decompresses one stream.
 *
 * @param bytes Borrowed.
 * @param maxBytes Maximum size of the result in bytes.
 * @throws {ConfigError} `ERR_ROUTE_LIST` if the stream is damaged or too large.
 */
export function decompress(
  format: "zlib" | "zstd",
  bytes: Uint8Array,
  maxBytes: number,
): Uint8Array {
  const run = format === "zlib" ? inflateSync : zstdDecompressSync;
  let out: Uint8Array;
  try {
    out = run(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    throw new ConfigError(
      "ERR_ROUTE_LIST",
      `its ${format} stream cannot be read, or is larger than ${maxBytes} ` +
        `bytes: ${messageOf(error)}`,
    );
  }
  if (out.length > maxBytes) {
    throw new ConfigError(
      "ERR_ROUTE_LIST",
      `its ${format} stream is larger than ${maxBytes} bytes`,
    );
  }
  return out;
}
