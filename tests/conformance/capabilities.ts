/**
 * Where the adapters are allowed to differ.
 *
 * @module
 */

/** What an adapter can and cannot do. */
export interface Capabilities {
  /**
   * `dial()` tells that the system gave up waiting for a host from a refusal.
   * Bun reports both as ECONNREFUSED.
   */
  readonly tellsTimeout: boolean;
  /**
   * Connections that are not accepted stay in the kernel. Bun accepts at once:
   * there this many wait in the adapter, and further ones are reset.
   */
  readonly maxUnaccepted: number | undefined;
  /** Maximum bytes that a writer can send while the peer does not read. */
  readonly maxInFlight: number;
}

/** The kernel's buffers on both sides and those of the adapter. */
const SOCKET_IN_FLIGHT = 16 * 1_048_576;

const BUN: Capabilities = {
  tellsTimeout: false,
  maxUnaccepted: 128,
  maxInFlight: SOCKET_IN_FLIGHT,
};

const LINUX: Capabilities = {
  tellsTimeout: true,
  maxUnaccepted: undefined,
  maxInFlight: SOCKET_IN_FLIGHT,
};

/** By `Transport.name`. */
export const CAPABILITIES: Readonly<Record<string, Capabilities>> = {
  memory: {
    tellsTimeout: true,
    maxUnaccepted: undefined,
    maxInFlight: 2 * 65_536,
  },
  deno: {
    tellsTimeout: true,
    maxUnaccepted: undefined,
    maxInFlight: SOCKET_IN_FLIGHT,
  },
  bun: BUN,
  "bun, outbound": BUN,
  linux: LINUX,
  "linux, outbound": LINUX,
};
