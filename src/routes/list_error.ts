/**
 * What is wrong with a list of rules as a whole.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";

/**
 * A list that cannot be used; who has read its file adds the file's name.
 *
 * @param why Half a sentence: what is wrong with the list.
 */
export function listError(why: string): ConfigError {
  return new ConfigError("ERR_ROUTE_LIST", why);
}
