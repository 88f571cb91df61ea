/**
 * Describes an ACL for its author: counts, conflicts, rules that never decide,
 * and ignored lines.
 *
 * @module
 */
import { MAX_LIST_NOTES } from "../../limits.ts";
import type { TargetSet } from "../match/target_set.ts";
import { describeNote } from "../rule_list.ts";
import type { Acl, AclSection } from "./read_acl.ts";

/** The headings of the lists. */
const HEADINGS: Readonly<Record<AclSection, string>> = {
  bypass: "[bypass_list]",
  proxy: "[proxy_list]",
  block: "[outbound_block_list]",
  allow: "[outbound_allow_list]",
};

/** Returns the description of an ACL as lines. */
export function describeAcl(acl: Acl): string[] {
  return [
    acl.mode === "proxy"
      ? "what no list decides: through the server"
      : "what no list decides: past the server",
    ...acl.outboundMode === "block"
      ? ["a server reaches only [outbound_allow_list]"]
      : [],
    ...Object.entries(acl.lists).flatMap(([section, sets]) =>
      describeList(HEADINGS[section as AclSection], sets)
    ),
    ...section("in [proxy_list] and [bypass_list]; [proxy_list] decides", [
      ...conflicts(acl.lists.proxy, acl.lists.bypass),
    ]),
    ...section("never decide, since a shorter name of the same list does", [
      ...Object.values(acl.lists).flatMap((sets) => [...covered(sets)]),
    ]),
    ...section("not used, or not as it is written", [
      ...acl.notes.map((note) => `${note.file}: ${describeNote(note)}`),
    ]),
    ...section("warnings", acl.warnings),
  ];
}

function describeList(heading: string, sets: readonly TargetSet[]): string[] {
  const sum = (key: keyof TargetSet["counts"]): number =>
    sets.reduce((total, { counts }) => total + counts[key], 0);
  const counts = [
    [sum("exact"), "exact"],
    [sum("suffix"), "suffix"],
    [sum("keyword"), "keyword"],
    [sum("regex"), "regex"],
    [sum("ipv4"), "IPv4"],
    [sum("ipv6"), "IPv6"],
  ] as const;
  const some = counts.filter(([count]) => count > 0);
  return some.length === 0
    ? []
    : [`${heading}: ${some.map(([n, what]) => `${n} ${what}`).join(", ")}`];
}

/** Yields the names and patterns of one list that the other list overrides. */
function* conflicts(
  winners: readonly TargetSet[],
  losers: readonly TargetSet[],
): Generator<string> {
  for (const set of losers) {
    const patterns = winners.flatMap((winner) => [...winner.patterns()]);
    for (const { text, line } of set.patterns()) {
      const same = patterns.find((pattern) => pattern.text === text);
      if (same !== undefined) yield `${text} (line ${line}; line ${same.line})`;
    }
    for (const { name, line, kind } of set.names()) {
      const asked = kind === "below" ? `x.${name}` : name;
      for (const winner of winners) {
        const hit = winner.matchName(asked);
        if (hit === undefined) continue;
        yield `${name} (line ${line}; ${hit.value}, line ${hit.line})`;
        break;
      }
    }
  }
}

/** Yields the names that a shorter suffix of the same list includes. */
function* covered(sets: readonly TargetSet[]): Generator<string> {
  for (const set of sets) {
    for (const { name, line } of set.names()) {
      const dot = name.indexOf(".");
      const above = dot < 0 ? undefined : set.matchName(name);
      if (above === undefined || above.line === line) continue;
      yield `${name} (line ${line}; ${above.value}, line ${above.line})`;
    }
  }
}

/**
 * Returns a title with the first of its lines; nothing if there are no lines.
 */
function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length - MAX_LIST_NOTES;
  return [
    `${lines.length} ${title}:`,
    ...lines.slice(0, MAX_LIST_NOTES).map((line) => `  ${line}`),
    ...more > 0 ? [`  and ${more} more`] : [],
  ];
}
