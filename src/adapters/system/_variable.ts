/**
 * Environment variables, which Deno may not have granted.
 *
 * @module
 */
import process from "node:process";

/**
 * Returns the value of a variable; `undefined` also if Deno was not granted it.
 * The permission is only queried, because a request could open a prompt on the
 * operator's terminal.
 */
export function variable(name: string): string | undefined {
  if (!("Deno" in globalThis)) return process.env[name];
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? process.env[name] : undefined;
}
