/**
 * What `umbra doctor` finds, as lines for people and as JSON.
 *
 * @module
 */
import { printable } from "../top/terminal_text.ts";

/** The severity; `skip`: nothing was found out. */
export type Verdict = "ok" | "warn" | "fail" | "skip";

/** One thing that was looked at. */
export interface Finding {
  /** The subject in a word or two. */
  readonly check: string;
  /** The severity. */
  readonly verdict: Verdict;
  /** The finding in one line. */
  readonly detail: string;
  /** The advice in one line. */
  readonly advice?: string;
}

/** True if nothing failed. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict !== "fail");
}

/** Columns of the name of a check. */
const CHECK_WIDTH = 12;

/** SGR parameters: green, yellow, red, grey. ECMA-48 §8.3.117. */
const COLOUR: Readonly<Record<Verdict, number>> = {
  ok: 32,
  warn: 33,
  fail: 31,
  skip: 90,
};

/**
 * A line for each finding, and one for its advice. What a server says may end
 * up here.
 */
export function formatFinding(finding: Finding, colour: boolean): string {
  const { check, verdict, detail, advice } = finding;
  const word = verdict.padEnd(4);
  const shown = colour ? `\x1b[${COLOUR[verdict]}m${word}\x1b[0m` : word;
  const indent = " ".repeat(4 + 2 + CHECK_WIDTH + 1);
  return `${shown}  ${check.padEnd(CHECK_WIDTH)} ${printable(detail)}\n` +
    (advice === undefined ? "" : `${indent}→ ${printable(advice)}\n`);
}

/** The last line: how many of each. */
export function formatSummary(findings: readonly Finding[]): string {
  const count = (wanted: Verdict): number =>
    findings.filter(({ verdict }) => verdict === wanted).length;
  return `${count("ok")} ok, ${count("warn")} to look at, ` +
    `${count("fail")} failed, ${count("skip")} not checked\n`;
}

/** Everything as one JSON object. */
export function formatJson(findings: readonly Finding[]): string {
  const report = { healthy: isHealthy(findings), checks: findings };
  return `${JSON.stringify(report, null, 2)}\n`;
}
