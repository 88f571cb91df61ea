/**
 * The last owner of an error: what nothing was prepared for is a defect of
 * ours. It is logged with its code and counted, and it ends no more than the
 * connection or query it happened in.
 *
 * @module
 */
import { type ErrorCode, UmbraError } from "./errors.ts";
import type { Logger, Metrics } from "./observe.ts";

/** The receiver of defects. */
export interface Witness {
  /** Writes one line of level `error`, with the stack. */
  readonly logger: Logger;
  /** Counts the code; default: nothing does. */
  readonly metrics?: Pick<Metrics, "connectionRefused"> | undefined;
}

/**
 * Starts work that is not waited for.
 *
 * @param work Expected errors are its own business.
 * @param what Names the work in the log: `${what} failed`.
 */
export function detach(
  work: Promise<unknown>,
  what: string,
  witness: Witness,
): void {
  work.catch((error) => tellDefect(error, what, witness));
}

/** Logs and counts an error that nothing was prepared for. */
export function tellDefect(
  error: unknown,
  what: string,
  { logger, metrics }: Witness,
): void {
  const code = codeOf(error);
  metrics?.connectionRefused(code);
  logger.log("error", `${what} failed`, { code, reason: stackOf(error) });
}

/** The code of an error; `ERR_DEFECT` for one that is none of ours. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof UmbraError ? error.code : "ERR_DEFECT";
}

/**
 * The place where an error was made; Bun's stacks begin with the message too.
 */
export function stackOf(error: unknown): string {
  return error instanceof Error ? error.stack ?? error.message : String(error);
}
