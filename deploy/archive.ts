/**
 * Archives whose bytes depend only on their content: ustar as in POSIX.1-1988,
 * and `ar` as in deb(5).
 *
 * @module
 */
import { Buffer } from "node:buffer";

/** A file, a folder or a symbolic link. */
export interface Entry {
  /**
   * Path without a leading slash; a folder ends with one. At most 100 bytes.
   */
  readonly path: string;
  /** Permissions; default: 0644, for folders 0755, for links 0777. */
  readonly mode?: number;
  /** The content of a file. */
  readonly content?: Uint8Array | string;
  /** The target of a symbolic link. At most 100 bytes. */
  readonly link?: string;
}

const BLOCK = 512;

/**
 * Makes a tar archive of files that belong to root.
 *
 * @param time Time of every entry, in seconds since 1970.
 */
export function tar(entries: readonly Entry[], time: number): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    const content = bytesOf(entry);
    parts.push(tarHeader(entry, content.length, time), content);
    parts.push(new Uint8Array(-content.length & (BLOCK - 1)));
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return Buffer.concat(parts);
}

/** Makes an `ar` archive. */
export function ar(
  files: readonly (readonly [name: string, content: Uint8Array])[],
  time: number,
): Uint8Array {
  const parts: Uint8Array[] = [Buffer.from("!<arch>\n")];
  for (const [name, content] of files) {
    const fields = [
      name.padEnd(16),
      String(time).padEnd(12),
      "0".padEnd(6),
      "0".padEnd(6),
      "100644".padEnd(8),
      String(content.length).padEnd(10),
    ];
    parts.push(Buffer.from(`${fields.join("")}\`\n`), content);
    if (content.length % 2 === 1) parts.push(Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}

/** Returns the content of a file, or no bytes. */
export function bytesOf({ content = "" }: Entry): Uint8Array {
  return typeof content === "string" ? Buffer.from(content) : content;
}

function tarHeader(
  { path, mode, link }: Entry,
  length: number,
  time: number,
): Uint8Array {
  for (const text of [path, link ?? ""]) {
    if (Buffer.byteLength(text) > 100) {
      throw new RangeError(`Cannot archive ${text}: more than 100 bytes`);
    }
  }
  const isFolder = path.endsWith("/");
  const header = Buffer.alloc(BLOCK);
  header.write(path, 0);
  const usual = link !== undefined ? 0o777 : isFolder ? 0o755 : 0o644;
  writeOctal(header, 100, 8, mode ?? usual);
  writeOctal(header, 108, 8, 0);
  writeOctal(header, 116, 8, 0);
  writeOctal(header, 124, 12, length);
  writeOctal(header, 136, 12, time);
  // The checksum is computed with spaces in its own field.
  header.write(" ".repeat(8), 148);
  header.write(link !== undefined ? "2" : isFolder ? "5" : "0", 156);
  header.write(link ?? "", 157);
  header.write("ustar\u000000", 257);
  header.write("root", 265);
  header.write("root", 297);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return header;
}

function writeOctal(
  header: Buffer,
  at: number,
  width: number,
  value: number,
): void {
  header.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at);
}
