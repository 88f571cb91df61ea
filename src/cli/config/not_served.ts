/**
 * What is said of keys of other programs that are not served.
 *
 * @module
 */
import { ConfigError } from "../../errors.ts";
import { notServedKeys } from "../settings/not_served.ts";
import type { Place } from "../settings/setting.ts";
import { rowsAt } from "../settings/tables.ts";
import type { ConfigObject } from "./config_file.ts";

/**
 * Looks for them in an object. One that asks for nothing is let be.
 *
 * @returns A warning for each key that is ignored.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for one that must not be.
 */
export function checkNotServed(object: ConfigObject, place: Place): string[] {
  const served = rowsAt(place);
  const known = notServedKeys(place);
  const asked = object.keys().flatMap((key) => {
    const row = served.has(key) || object.isEmpty(key)
      ? undefined
      : known.get(key);
    return row === undefined ? [] : [{ ...row, where: object.where(key) }];
  });
  const refused = asked.find(({ standing }) => standing === "refused");
  if (refused !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${refused.where} is not supported (yet): ${refused.why}`,
    );
  }
  return asked.filter(({ standing }) => standing === "ignored")
    .map(({ where, why }) => `ignored: ${where}: ${why}`);
}
