/**
 * The last handler of errors. An error that no other code expects is a defect
 * of this program. It is logged with its code and counted, and it ends only the
 * connection or query in which it happened.
 *
 * @module
 */
import { type ErrorCode, UmbraError } from "./errors.ts";
import type { Logger, Metrics } from "./observe.ts";

/** The receiver of defects. */
export interface Witness {
  /** Receives one line of level `error`, with the stack. */
  readonly logger: Logger;
  /** Counts the code. Default: the defect is not counted. */
  readonly metrics?: Pick<Metrics, "connectionRefused"> | undefined;
}

/**
 * Starts work that is not waited for.
 *
 * @param work Must handle the errors that it expects.
 * @param what Names the work in the log: `${what} failed`.
 */
export function detach(
  work: Promise<unknown>,
  what: string,
  witness: Witness,
): void {
  work.catch((error) => tellDefect(error, what, witness));
}

/** Logs and counts an error that no other code expects. */
export function tellDefect(
  error: unknown,
  what: string,
  { logger, metrics }: Witness,
): void {
  const code = codeOf(error);
  metrics?.connectionRefused(code);
  logger.log("error", `${what} failed`, { code, reason: stackOf(error) });
}

/**
 * Returns the code of an error; `ERR_DEFECT` if it is not an
 * {@link UmbraError}.
 */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof UmbraError ? error.code : "ERR_DEFECT";
}

/** Returns the stack of an error. Bun's stacks start with the message, too. */
export function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
