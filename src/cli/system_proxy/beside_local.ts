/**
 * The system's proxy while a local runs: set when it listens, and as it was
 * before when it ends.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { UmbraError } from "../../errors.ts";
import type { Beside } from "../run/run_role.ts";
import type { ConfiguredProxy } from "./configured_proxy.ts";
import type { SystemProxy } from "./system_proxy.ts";

/** What a role does around the time in which it serves. */
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
      logger.log("info", `the system's proxy is this local, ${shown}`);
    },
    async end(logger): Promise<void> {
      try {
        if (await proxy.restore()) {
          logger.log("info", "the system's proxy is what it was before");
        }
      } catch (error) {
        if (!(error instanceof UmbraError)) throw error;
        logger.log("error", `${error.message}; \`${RESTORE}\` tries again`);
      }
    },
  };
}

/**
 * Restores what a program has left that was killed.
 *
 * @returns What the operator should know.
 */
export async function repairProxy(proxy: SystemProxy): Promise<string[]> {
  try {
    const place = await proxy.repair();
    return place === undefined ? [] : [
      "a program that is gone had left the system's proxy at " +
      `${formatAddress(place)}: it is what it was before`,
    ];
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    return [`${error.message}; \`${RESTORE}\` tries again`];
  }
}

const RESTORE = "umbra system-proxy off";
