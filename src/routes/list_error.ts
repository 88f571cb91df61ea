/**
 * The error of a list of rules that cannot be used.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";

/**
 * Makes the error of a list. The caller that has read the file adds the file's
 * name.
 *
 * @param why What is wrong with the list, as half a sentence.
 */
export function listError(why: string): ConfigError {
  return new ConfigError("ERR_ROUTE_LIST", why);
}
