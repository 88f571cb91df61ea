/**
 * The redirect setting of ShadowsocksR: a list of hosts to which the server
 * sends unauthenticated clients, or of rules of which the first match applies.
 *
 * ```text
 * HOST | HOST:PORT | *#HOST:PORT | *:LISTENPORT#HOST:PORT
 * ```
 *
 * The default port is 80. Among hosts, those with the server's listen port are
 * preferred.
 *
 * Does not: match patterns of bytes, which the original permits before `#`.
 *
 * @module
 */
import { badValue, type ConfigError } from "../errors.ts";
import type { Address } from "./address.ts";
import { crc32 } from "./checksum.ts";

/** One entry. */
interface Entry {
  /** The listen port of a rule; 0 matches every port. Not set for a host. */
  readonly listenPort?: number;
  /** Port 0 means no target. */
  readonly target: Address;
}

/**
 * Returns the targets for unauthenticated clients of one port.
 *
 * @param entries As written; may be empty.
 * @returns Empty if such clients get no answer.
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function redirectTargets(
  entries: readonly string[],
  listenPort: number,
): Address[] {
  const all = entries.map(readEntry);
  const rules = all.filter((entry) => entry.listenPort !== undefined);
  if (rules.length > 0 && rules.length < all.length) throw wrong();
  if (rules.length === 0) {
    const targets = all.map(({ target }) => target)
      .filter(({ port }) => port > 0);
    const same = targets.filter(({ port }) => port === listenPort);
    return same.length > 0 ? same : targets;
  }
  const rule = rules.find((entry) =>
    entry.listenPort === 0 || entry.listenPort === listenPort
  );
  return rule === undefined || rule.target.port === 0 ? [] : [rule.target];
}

/**
 * Returns the target for one client. It is always the same, because a probe
 * would notice a change.
 */
export function redirectFor(
  clientHost: string,
  targets: readonly Address[],
): Address | undefined {
  const hash = crc32(new TextEncoder().encode(clientHost));
  return targets[hash % Math.max(1, targets.length)];
}

/** The expected form of a rule, for messages. */
export const REDIRECT_EXPECTED: string =
  'text like "*:*#192.0.2.1:443" or "example.com:443"';

function readEntry(text: string): Entry {
  const parts = text.trim().split("#");
  if (parts.length > 2) throw wrong();
  const target = readTarget(parts.at(-1)!);
  if (parts.length === 1) return { target };
  const match = /^\*(?::(\*|\d{1,5}))?$/.exec(parts[0]!.trim());
  const listenPort = Number((match?.[1] ?? "*").replace("*", "0"));
  if (match === null || listenPort > 65_535) throw wrong();
  return { listenPort, target };
}

function readTarget(text: string): Address {
  const match = /^(\[[\da-f:.]+\]|[^\s:[\]]+)(?::(\d{1,5}))?$/i
    .exec(text.trim());
  const port = Number(match?.[2] ?? 80);
  if (match === null || port > 65_535) throw wrong();
  return { host: match[1]!.replace(/^\[(.*)\]$/, "$1"), port };
}

function wrong(): ConfigError {
  return badValue(
    `Expected "redirect" to be ${REDIRECT_EXPECTED}, or a list of one kind; ` +
      "patterns are not supported",
  );
}
