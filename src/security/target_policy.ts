/**
 * Decides which addresses a server may dial for its clients.
 *
 * A policy checks the address that is dialled, after the name was resolved: the
 * owner of a name decides which addresses it has, so names prove nothing.
 *
 * @module
 */
import { parseIp, unmapIpv4 } from "../codec/ip_address.ts";

/**
 * Checks one IP address.
 *
 * @param ip Text form, without brackets.
 * @returns The reason why it may not be dialled; `undefined` if it may.
 */
export type TargetPolicy = (ip: string) => string | undefined;

/** Allows every address that can be dialled at all. */
export const anyTarget: TargetPolicy = (ip): string | undefined =>
  classify(ip, UNDIALLABLE);

/**
 * Allows only addresses of the public internet: no addresses of the server's
 * own host, its local network, or its cloud provider's metadata service.
 */
export const publicTarget: TargetPolicy = (ip): string | undefined =>
  classify(ip, UNDIALLABLE) ?? classify(ip, NOT_PUBLIC);

/**
 * Explains why no address of a name may be dialled, and what the operator can
 * do.
 *
 * @param ip The first address; not set if there is none.
 */
export function explainRefusal(
  ip: string | undefined,
  policy: TargetPolicy,
): string {
  const reason = ip === undefined ? "no address" : policy(ip);
  // The option does not allow addresses that cannot be dialled at all, nor
  // those that something else forbids.
  return ip === undefined || anyTarget(ip) !== undefined ||
      reason !== publicTarget(ip)
    ? `its address is ${reason}`
    : `its address is ${reason}; --allow-private lets clients reach it`;
}

/** A block of addresses with the same first bits. */
export interface CidrBlock {
  /** The address, 4 or 16 bytes. */
  readonly prefix: Uint8Array;
  /** The number of bits that are compared. */
  readonly bits: number;
}

/**
 * Reads `IP/BITS`, or an IP address alone.
 *
 * @returns `undefined` for any other text.
 */
export function parseCidr(text: string): CidrBlock | undefined {
  const [ip = "", bits, more] = text.split("/");
  const prefix = parseIp(ip);
  if (prefix === undefined || more !== undefined) return undefined;
  const most = prefix.length * 8;
  if (bits === undefined) return { prefix, bits: most };
  if (!/^\d{1,3}$/.test(bits) || Number(bits) > most) return undefined;
  return { prefix, bits: Number(bits) };
}

/**
 * Allows what {@link publicTarget} allows, and these blocks.
 *
 * @param allowed Addresses of the server's own network that its clients may
 * reach.
 */
export function publicTargetOr(allowed: readonly CidrBlock[]): TargetPolicy {
  return (ip) => {
    const refusal = publicTarget(ip);
    if (refusal === undefined) return undefined;
    const bytes = judgedBytes(ip);
    const isAllowed = bytes !== undefined &&
      allowed.some((block) => contains(block, bytes));
    return isAllowed ? anyTarget(ip) : refusal;
  };
}

/**
 * Returns a policy that also refuses these blocks.
 *
 * @param policy The policy that is asked first.
 * @param forbidden Addresses that no client reaches, even if `policy` allows
 * them.
 */
export function forbidding(
  policy: TargetPolicy,
  forbidden: readonly CidrBlock[],
): TargetPolicy {
  return (ip) => {
    const refusal = policy(ip);
    if (refusal !== undefined) return refusal;
    const bytes = judgedBytes(ip);
    const isForbidden = bytes !== undefined &&
      forbidden.some((block) => contains(block, bytes));
    return isForbidden ? "forbidden by forbidden_ip" : undefined;
  };
}

/**
 * Returns a check if an address is in one of these blocks.
 *
 * @throws {RangeError} If one of the texts is not a block.
 */
export function inBlocks(texts: readonly string[]): (ip: string) => boolean {
  const blocks = texts.map((text) => {
    const block = parseCidr(text);
    if (block !== undefined) return block;
    throw new RangeError(`${text} is neither an IP address nor IP/BITS`);
  });
  return (ip) => {
    const bytes = parseIp(ip);
    return bytes !== undefined &&
      blocks.some((block) => contains(block, unmapIpv4(bytes)));
  };
}

interface Range extends CidrBlock {
  readonly reason: string;
}

/** Sources: RFC 6890, RFC 1112 §4, RFC 919 §7, RFC 4291 §2.5.2 and §2.7. */
const UNDIALLABLE = [
  range("0.0.0.0/8", "unspecified"),
  range("224.0.0.0/4", "multicast"),
  range("255.255.255.255/32", "broadcast"),
  range("::/128", "unspecified"),
  range("ff00::/8", "multicast"),
];

/** Sources: RFC 6890, RFC 1918, RFC 6598, RFC 4193, RFC 8215, RFC 3056. */
const NOT_PUBLIC = [
  range("127.0.0.0/8", "loopback"),
  range("::1/128", "loopback"),
  range("10.0.0.0/8", "private"),
  range("172.16.0.0/12", "private"),
  range("192.168.0.0/16", "private"),
  range("100.64.0.0/10", "shared by carriers"),
  range("169.254.0.0/16", "link-local"),
  range("192.0.0.0/24", "reserved"),
  range("192.0.2.0/24", "documentation"),
  range("198.18.0.0/15", "benchmarking"),
  range("198.51.100.0/24", "documentation"),
  range("203.0.113.0/24", "documentation"),
  range("240.0.0.0/4", "reserved"),
  range("fc00::/7", "private"),
  range("fe80::/10", "link-local"),
  range("64:ff9b:1::/48", "translated to IPv4"),
  range("2002::/16", "tunnelled to IPv4"),
  range("2001::/32", "tunnelled to IPv4"),
  range("2001:db8::/32", "documentation"),
  range("100::/64", "discarded"),
];

/** Addresses that contain an IPv4 address in their last 4 bytes. RFC 6052. */
const NAT64 = range("64:ff9b::/96", "translated to IPv4");

function classify(ip: string, ranges: readonly Range[]): string | undefined {
  const bytes = judgedBytes(ip);
  return bytes === undefined
    ? "not an IP address"
    : ranges.find((range) => contains(range, bytes))?.reason;
}

/** Returns the address that is finally reached. */
function judgedBytes(ip: string): Uint8Array | undefined {
  const parsed = parseIp(ip);
  if (parsed === undefined) return undefined;
  return contains(NAT64, parsed) ? parsed.subarray(12) : unmapIpv4(parsed);
}

/** True if an address is in one of these blocks. */
export function isWithin(ip: string, blocks: readonly CidrBlock[]): boolean {
  const bytes = parseIp(ip);
  if (bytes === undefined) return false;
  const plain = unmapIpv4(bytes);
  return blocks.some((block) => contains(block, plain));
}

/** True if an address of 4 or 16 bytes is in a block. */
export function contains(
  { prefix, bits }: CidrBlock,
  bytes: Uint8Array,
): boolean {
  if (prefix.length !== bytes.length) return false;
  const whole = bits >>> 3;
  for (let i = 0; i < whole; i++) if (prefix[i] !== bytes[i]) return false;
  const mask = 0xff00 >>> (bits & 7) & 0xff;
  return mask === 0 || (prefix[whole]! & mask) === (bytes[whole]! & mask);
}

function range(cidr: string, reason: string): Range {
  return { ...parseCidr(cidr)!, reason };
}
