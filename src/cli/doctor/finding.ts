/**
 * The findings of `umbra doctor`, as lines for people and as JSON.
 *
 * @module
 */
import { printable } from "../top/terminal_text.ts";

/** The severity; `skip` if the check could not be made. */
export type Verdict = "ok" | "warn" | "fail" | "skip";

/** The result of one check. */
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

/** Makes the findings of one check, by their verdict. */
export function findingsOf(
  check: string,
): Record<Verdict, (detail: string, advice?: string) => Finding> {
  const make = (verdict: Verdict) => (detail: string, advice?: string) => ({
    ...{ check, verdict, detail },
    ...advice !== undefined && { advice },
  });
  return {
    ...{ ok: make("ok"), warn: make("warn") },
    ...{ fail: make("fail"), skip: make("skip") },
  };
}

/** True if no check failed. */
export function isHealthy(findings: readonly Finding[]): boolean {
  return findings.every(({ verdict }) => verdict !== "fail");
}

/** Width of the name of a check in columns. */
const CHECK_WIDTH = 12;

/** SGR parameters: green, yellow, red, grey. ECMA-48 §8.3.117. */
const COLOUR: Readonly<Record<Verdict, number>> = {
  ok: 32,
  warn: 33,
  fail: 31,
  skip: 90,
};

/**
 * Formats a finding as a line, and its advice as another. Control characters
 * are escaped: the text may come from a server.
 */
export function formatFinding(finding: Finding, colour: boolean): string {
  const { check, verdict, detail, advice } = finding;
  const word = verdict.padEnd(4);
  const shown = colour ? `\x1b[${COLOUR[verdict]}m${word}\x1b[0m` : word;
  const indent = " ".repeat(4 + 2 + CHECK_WIDTH + 1);
  return `${shown}  ${check.padEnd(CHECK_WIDTH)} ${printable(detail)}\n` +
    (advice === undefined ? "" : `${indent}→ ${printable(advice)}\n`);
}

/** Formats the last line, with the number of findings of each severity. */
export function formatSummary(findings: readonly Finding[]): string {
  const count = (wanted: Verdict): number =>
    findings.filter(({ verdict }) => verdict === wanted).length;
  return `${count("ok")} ok, ${count("warn")} to look at, ` +
    `${count("fail")} failed, ${count("skip")} not checked\n`;
}

/** Formats all findings as one JSON object. */
export function formatJson(findings: readonly Finding[]): string {
  const report = { healthy: isHealthy(findings), checks: findings };
  return `${JSON.stringify(report, null, 2)}\n`;
}
