/**
 * Tries whether a port can be listened on, and closes it at once.
 *
 * @module
 */
import { type ErrorCode, UmbraError } from "../../errors.ts";
import type { Endpoint, Transport } from "../../transport.ts";

/** @returns The reason why listening failed. */
export async function tryToListen(
  endpoint: Endpoint,
  kind: "tcp" | "udp",
  transport: Transport,
): Promise<ErrorCode | undefined> {
  try {
    const opened = kind === "tcp"
      ? await transport.listen(endpoint)
      : await transport.bind(endpoint);
    opened.close();
    return undefined;
  } catch (error) {
    if (error instanceof UmbraError) return error.code;
    throw error;
  }
}
