/**
 * The transports of this system: the runtime's, and the one over calls of Linux
 * where that can be had.
 *
 * @module
 */
import process from "node:process";
import { linuxTransport } from "../../src/adapters/net/linux/transport.ts";
import { systemTransport } from "../../src/adapters/net/system.ts";
import type { OutboundAddresses, Transport } from "../../src/transport.ts";

/** Opens a transport. */
export type Open = (outbound?: OutboundAddresses) => Promise<Transport>;

/** By the word that scripts are given. */
export const OPENERS: Readonly<Record<string, Open>> = {
  runtime: (outbound) => Promise.resolve(systemTransport(outbound)),
  ...process.platform === "linux" && { linux: linuxTransport },
};

/** The transport that a script is to try. */
export async function namedTransport(): Promise<Transport> {
  return await OPENERS[process.argv.at(-1)!]!();
}
