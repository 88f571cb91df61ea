/**
 * The seam to the runtime's decompression.
 *
 * @module
 */

/**
 * Decompresses one stream.
 *
 * @param bytes Borrowed.
 * @param maxBytes Bytes of the result at most.
 * @throws {ConfigError} `ERR_ROUTE_LIST` when it is damaged or too large.
 */
export type Decompress = (
  format: "zlib" | "zstd",
  bytes: Uint8Array,
  maxBytes: number,
) => Uint8Array;
