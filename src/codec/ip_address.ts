/**
 * Parses and formats IP addresses.
 *
 * Source: RFC 4291 §2.2 (text forms), RFC 5952 §4 (the form that is written).
 *
 * @module
 */

/**
 * Parses an IPv4 or IPv6 address. Octal and short IPv4 forms (`0177.1`) and
 * zones (`fe80::1%eth0`) are refused.
 *
 * @returns 4 or 16 bytes; `undefined` if the text is not an address.
 */
export function parseIp(text: string): Uint8Array | undefined {
  return text.includes(":") ? parseIpv6(text) : parseIpv4(text);
}

/**
 * Formats an address, IPv6 in its canonical short form.
 *
 * @param bytes 4 or 16 bytes.
 */
export function formatIp(bytes: Uint8Array): string {
  return bytes.length === 4
    ? `${bytes[0]}.${bytes[1]}.${bytes[2]}.${bytes[3]}`
    : formatIpv6(bytes);
}

/**
 * True if a host is the address of all zeros, which can be listened on but not
 * reached.
 */
export function isUnspecified(host: string): boolean {
  return parseIp(host)?.every((byte) => byte === 0) ?? false;
}

/**
 * Returns the IPv4 address in `::ffff:a.b.c.d`, which dual-stack sockets report
 * for IPv4 peers.
 *
 * @param bytes 4 or 16 bytes.
 * @returns The 4 bytes inside, or the argument.
 */
export function unmapIpv4(bytes: Uint8Array): Uint8Array {
  if (bytes.length !== 16) return bytes;
  for (let i = 0; i < 10; i++) if (bytes[i] !== 0) return bytes;
  if (bytes[10] !== 0xff || bytes[11] !== 0xff) return bytes;
  return bytes.subarray(12);
}

/**
 * Returns the network of one client: its IPv4 address, or the first 64 bits of
 * its IPv6 address (RFC 6177 §2).
 *
 * @param host An address, also with a zone; other text is returned unchanged.
 */
export function networkOf(host: string): string {
  const bytes = parseIp(host.split("%", 1)[0]!);
  if (bytes === undefined) return host;
  const address = unmapIpv4(bytes);
  return formatIp(
    address.length === 4 ? address : address.slice().fill(0, 8),
  );
}

/** Accepts only the canonical form: no "01", "1e1", "0x1". */
function parseIpv4(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(4);
  let part = 0;
  let digits = 0;
  let value = 0;
  for (let i = 0; i <= text.length; i++) {
    // The end of the text ends the last part.
    const code = i < text.length ? text.charCodeAt(i) : DOT;
    if (code === DOT) {
      if (digits === 0 || part === 4) return undefined;
      bytes[part++] = value;
      digits = value = 0;
      continue;
    }
    const digit = code - ZERO;
    const hasLeadingZero = digits > 0 && value === 0;
    if (digit < 0 || digit > 9 || hasLeadingZero) return undefined;
    value = value * 10 + digit;
    if (value > 255) return undefined;
    digits++;
  }
  return part === 4 ? bytes : undefined;
}

const DOT = 0x2e;
const ZERO = 0x30;

function parseIpv6(text: string): Uint8Array | undefined {
  const halves = text.split("::");
  if (halves.length > 2) return undefined;
  const tail = parseGroups(halves.at(-1)!);
  if (halves.length === 1) {
    return tail?.length === 16 ? Uint8Array.from(tail) : undefined;
  }
  // Only the last group may be written as IPv4.
  const head = halves[0]!.includes(".") ? undefined : parseGroups(halves[0]!);
  // "::" replaces at least one group.
  if (head === undefined || tail === undefined) return undefined;
  if (head.length + tail.length > 14) return undefined;
  const bytes = new Uint8Array(16);
  bytes.set(head);
  bytes.set(tail, 16 - tail.length);
  return bytes;
}

/** Parses `a:b:c` into bytes; the last group may be an IPv4 address. */
function parseGroups(text: string): number[] | undefined {
  if (text === "") return [];
  const bytes: number[] = [];
  const groups = text.split(":");
  for (const [i, group] of groups.entries()) {
    if (i === groups.length - 1 && group.includes(".")) {
      const ipv4 = parseIpv4(group);
      if (ipv4 === undefined) return undefined;
      bytes.push(...ipv4);
    } else {
      if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return undefined;
      const value = parseInt(group, 16);
      bytes.push(value >>> 8, value & 0xff);
    }
  }
  return bytes;
}

function formatIpv6(bytes: Uint8Array): string {
  const groups: string[] = [];
  for (let i = 0; i < 16; i += 2) {
    groups.push(((bytes[i]! << 8) | bytes[i + 1]!).toString(16));
  }
  // The longest run of two or more zero groups; the first of several.
  let start = 0;
  let length = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (groups[i + run] === "0") run++;
    if (run > length) [start, length] = [i, run];
  }
  if (length === 1) return groups.join(":");
  const head = groups.slice(0, start).join(":");
  return `${head}::${groups.slice(start + length).join(":")}`;
}
