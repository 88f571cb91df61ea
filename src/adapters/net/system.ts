/**
 * The transport of the runtime that runs this program.
 *
 * @module
 */
import type { OutboundAddresses, Transport } from "../../transport.ts";
import { bunTransport } from "./bun.ts";
import { denoTransport } from "./deno.ts";

/**
 * Returns the transport for Deno or for Bun.
 *
 * @param outbound Source addresses; default: the system chooses.
 * @throws {Error} On any other runtime.
 */
export function systemTransport(outbound?: OutboundAddresses): Transport {
  if ("Deno" in globalThis) return denoTransport(outbound);
  if ("Bun" in globalThis) return bunTransport(outbound);
  throw new Error("Cannot open sockets: this is neither Deno nor Bun");
}
