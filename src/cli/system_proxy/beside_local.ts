/**
 * Sets the system's proxy when a local listens, and restores the earlier
 * setting when it ends.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { UmbraError } from "../../errors.ts";
import type { Beside } from "../run/run_role.ts";
import type { ConfiguredProxy } from "./configured_proxy.ts";
import type { SystemProxy } from "./system_proxy.ts";

/** Returns the action before a local serves, and its reversal. */
export function besideLocal(
  proxy: SystemProxy,
  { form, place }: ConfiguredProxy,
): Beside {
  const shown = `${form} at ${formatAddress(place)}`;
  return {
    async begin(logger): Promise<void> {
      if (!proxy.isKnown) {
        const at = formatAddress(place);
        logger.log(
          "warn",
          "this system has no proxy setting Umbra knows; export these: " +
            `http_proxy=http://${at} https_proxy=http://${at} ` +
            `all_proxy=socks5h://${at}`,
        );
        return;
      }
      await proxy.set(form, place);
      logger.log("info", `system proxy: set to this local, ${shown}`);
    },
    async end(logger): Promise<void> {
      try {
        if (await proxy.restore()) {
          logger.log("info", "system proxy: earlier setting restored");
        }
      } catch (error) {
        if (!(error instanceof UmbraError)) throw error;
        logger.log(
          "error",
          `${error.message}; run \`${RESTORE}\` to try again`,
        );
      }
    },
  };
}

/**
 * Restores the setting that a killed program has left.
 *
 * @returns Notes for the operator.
 */
export async function repairProxy(proxy: SystemProxy): Promise<string[]> {
  try {
    const place = await proxy.repair();
    return place === undefined ? [] : [
      "system proxy: a program that ended abnormally had left it at " +
      `${formatAddress(place)}; earlier setting restored`,
    ];
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    return [`${error.message}; run \`${RESTORE}\` to try again`];
  }
}

const RESTORE = "umbra system-proxy off";
