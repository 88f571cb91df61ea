/**
 * The transport of the runtime this program runs on.
 *
 * @module
 */
import type { OutboundAddresses, Transport } from "../../transport.ts";
import { bunTransport } from "./bun.ts";
import { denoTransport } from "./deno.ts";

/**
 * Chooses between the adapters for Deno and for Bun.
 *
 * @param outbound Where what goes out leaves from; the system's choice by
 * default.
 * @throws {Error} On any other runtime.
 */
export function systemTransport(outbound?: OutboundAddresses): Transport {
  if ("Deno" in globalThis) return denoTransport(outbound);
  if ("Bun" in globalThis) return bunTransport(outbound);
  throw new Error("Cannot open sockets: this is neither Deno nor Bun");
}
