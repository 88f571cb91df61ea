/**
 * The interface to the runtime's decompression.
 *
 * @module
 */

/**
 * Decompresses one stream.
 *
 * @param bytes Borrowed.
 * @param maxBytes The most bytes of the result.
 * @throws {ConfigError} `ERR_ROUTE_LIST` if it is damaged or too large.
 */
export type Decompress = (
  format: "zlib" | "zstd",
  bytes: Uint8Array,
  maxBytes: number,
) => Uint8Array;
