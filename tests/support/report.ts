/**
 * The output of tests besides passing and failing.
 *
 * @module
 */
import process from "node:process";

/** Prints a measurement or a remark, besides the output of the test runner. */
export function report(line: string): void {
  process.stderr.write(`  ${line}\n`);
}

/** Prints what will not be tested, and how to change that. */
export function announceSkip(reason: string): void {
  const border = "!".repeat(72);
  process.stderr.write(`${border}\n!! SKIPPED TESTS: ${reason}\n${border}\n`);
}
