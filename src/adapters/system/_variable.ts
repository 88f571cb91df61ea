/**
 * Variables of the environment, which Deno may not have granted.
 *
 * @module
 */
import process from "node:process";

/**
 * The variable's value; `undefined` also where Deno was not granted it. Asked
 * for, a permission may put a question on the operator's terminal.
 */
export function variable(name: string): string | undefined {
  if (!("Deno" in globalThis)) return process.env[name];
  const { state } = Deno.permissions.querySync({ name: "env", variable: name });
  return state === "granted" ? process.env[name] : undefined;
}
