/**
 * Handles keys of other programs that Umbra does not support.
 *
 * @module
 */
import { badValue } from "../../errors.ts";
import { notServedKeys } from "../settings/not_served.ts";
import type { Place } from "../settings/setting.ts";
import { rowsAt } from "../settings/tables.ts";
import type { ConfigObject } from "./config_file.ts";

/**
 * Looks for unsupported keys in an object. A key whose value has no effect is
 * accepted.
 *
 * @returns A warning for each key that is ignored.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for a key that must not be ignored.
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
    throw badValue(`${refused.where} is not supported: ${refused.why}`);
  }
  return asked.filter(({ standing }) => standing === "ignored")
    .map(({ where, why }) => `ignored: ${where}: ${why}`);
}
