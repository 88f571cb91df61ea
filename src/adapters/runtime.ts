/**
 * The transport of the runtime this program runs on.
 *
 * @module
 */
import type { Transport } from "../transport.ts";
import { bunTransport } from "./bun.ts";
import { denoTransport } from "./deno.ts";

/**
 * Chooses between the adapters for Deno and for Bun.
 *
 * @throws {Error} On any other runtime.
 */
export function systemTransport(): Transport {
  if ("Deno" in globalThis) return denoTransport();
  if ("Bun" in globalThis) return bunTransport();
  throw new Error("Cannot open sockets: this is neither Deno nor Bun");
}
