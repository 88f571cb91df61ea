/**
 * The reload on a signal: logs the changes, or why there are none.
 *
 * @module
 */
import type { Operator } from "../../admin/operator.ts";
import { faultOf, UmbraError } from "../../errors.ts";
import type { Logger } from "../../observe.ts";

/**
 * Reads the configuration again. A mistake of the operator is logged and not
 * thrown.
 */
export async function reload(
  operator: Operator,
  logger: Logger,
): Promise<void> {
  try {
    const { changes, warnings } = await operator.reload(false);
    for (const warning of warnings) logger.log("warn", warning);
    for (const change of changes) logger.log("info", `reload: ${change}`);
    if (changes.length === 0) logger.log("info", "reload: nothing has changed");
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    logger.log(
      "error",
      "reload failed; the old configuration stays in use",
      faultOf(error),
    );
  }
}
