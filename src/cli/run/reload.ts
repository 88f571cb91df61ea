/**
 * A reload on a signal: what changed goes to the log, and so does why nothing
 * did.
 *
 * @module
 */
import type { Operator } from "../../admin/operator.ts";
import { UmbraError } from "../../errors.ts";
import type { Logger } from "../../observe.ts";

/** Reads the configuration again; never throws what the operator can mend. */
export async function reload(
  operator: Operator,
  logger: Logger,
): Promise<void> {
  try {
    const { changes, warnings } = await operator.reload(false);
    for (const warning of warnings) logger.log("warn", warning);
    for (const change of changes) logger.log("info", `reload: ${change}`);
    if (changes.length === 0) logger.log("info", "reload: nothing is new");
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    logger.log("error", "reload failed, everything goes on as it was", {
      code: error.code,
      reason: error.message,
    });
  }
}
