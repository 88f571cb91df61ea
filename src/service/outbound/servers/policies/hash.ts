/**
 * Chooses the same server for the same site, by weighted rendezvous hashing. If
 * a server is removed, only its own sites move.
 *
 * @module
 */
import type { Address } from "../../../../codec/address.ts";
import { parseIp } from "../../../../codec/ip_address.ts";
import type { Candidate, Policy } from "./policy.ts";

/** A policy without state. */
export class BySite implements Policy {
  /** See {@link Policy.keepsServer}. */
  readonly keepsServer = false;

  /** See {@link Policy.pick}. */
  pick<C extends Candidate>(candidates: readonly C[], target: Address): C {
    const site = siteOf(target.host);
    const scores = candidates.map(({ name, weight }) =>
      -weight / Math.log(unitHash(`${site}\0${name}`))
    );
    return candidates[scores.indexOf(Math.max(...scores))]!;
  }
}

/**
 * Returns what identifies a site: the registrable domain, guessed from two or
 * three labels, an IPv4 /24 or an IPv6 /48.
 */
export function siteOf(host: string): string {
  const ip = parseIp(host);
  if (ip !== undefined) {
    return ip.subarray(0, ip.length === 4 ? 3 : 6).join(".");
  }
  const labels = host.toLowerCase().replace(/\.$/, "").split(".");
  const second = labels.at(-2) ?? "";
  return labels.slice(second.length <= SHORT_LABEL ? -3 : -2).join(".");
}

/**
 * The most letters of a label such as `co` in `co.uk`, under which names are
 * registered.
 */
const SHORT_LABEL = 3;

/**
 * Returns a number between 0 and 1, both excluded: 32-bit FNV-1a with the
 * finalizer of MurmurHash3, because similar texts must give different numbers.
 */
function unitHash(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) {
    hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  }
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  hash ^= hash >>> 16;
  return ((hash >>> 0) + 0.5) / 2 ** 32;
}
