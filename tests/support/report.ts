/**
 * What tests say besides passing and failing.
 *
 * @module
 */
import process from "node:process";

/** Prints a measurement or a remark, beside the test runner's own output. */
export function report(line: string): void {
  process.stderr.write(`  ${line}\n`);
}

/** Prints what will not be tested and what to do about it. */
export function announceSkip(reason: string): void {
  const border = "!".repeat(72);
  process.stderr.write(`${border}\n!! SKIPPED TESTS: ${reason}\n${border}\n`);
}
