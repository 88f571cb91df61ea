/**
 * Whose sockets serve: the runtime's, or our own over calls of Linux.
 *
 * @module
 */
import process from "node:process";
import type {
  OutboundAddresses,
  SocketOptions,
  Transport,
} from "../../transport.ts";
import { UDP_RECEIVE_BUFFER } from "../../limits.ts";
import type { LinuxFacts } from "./linux/self_test.ts";
import { systemTransport } from "./system.ts";

/** The values of `--transport`. */
export type TransportName = "auto" | "runtime" | "linux";

/** A transport, and what the operator should know. */
export interface ChosenTransport {
  readonly transport: Transport;
  /** One line each. */
  readonly warnings: readonly string[];
}

/** The result of the self-test of our own sockets. */
export type LinuxTrial =
  | { readonly facts: LinuxFacts }
  /** Why they cannot be had. */
  | { readonly reason: string };

/** Tries the sockets of our own. */
export async function tryLinux(): Promise<LinuxTrial> {
  try {
    const { testLinux } = await import("./linux/self_test.ts");
    return { facts: await testLinux() };
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

/**
 * Chooses. `auto` is the runtime's: see docs/decisions/0086.
 *
 * @param outbound Where what goes out leaves from; the system's choice by
 * default.
 * @param sockets Kept where `Capabilities.socketOptions` is true.
 */
export async function chooseTransport(
  name: TransportName,
  outbound?: OutboundAddresses,
  sockets?: SocketOptions,
): Promise<ChosenTransport> {
  if (name !== "linux") {
    return { transport: systemTransport(outbound), warnings: [] };
  }
  const trial = await tryLinux();
  if ("reason" in trial) {
    return {
      transport: systemTransport(outbound),
      warnings: [
        `--transport linux cannot be had, the runtime's sockets serve: ` +
        `${trial.reason}; see umbra check transport`,
      ],
    };
  }
  const { linuxTransport } = await import("./linux/transport.ts");
  const { bell, bellReason } = trial.facts;
  return {
    transport: await linuxTransport(outbound, sockets),
    warnings: bellReason === undefined ? [] : [
      `--transport linux wakes by ${bell}, which is slower than io_uring: ` +
      bellReason,
    ],
  };
}

/**
 * What the operator should know of the UDP sockets of a transport, in one line.
 *
 * @returns `undefined` where nothing is wrong.
 */
export async function receiveBufferWarning(
  { bind, capabilities }: Pick<Transport, "bind" | "capabilities">,
): Promise<string | undefined> {
  if (!capabilities.receiveBuffer) {
    return process.platform === "linux"
      ? "receive buffers of UDP have the system's size, and what finds them " +
        "full is not counted: libc cannot be called; see umbra check transport"
      : undefined;
  }
  let granted: number | undefined;
  try {
    const socket = await bind({ host: "127.0.0.1", port: 0 });
    granted = socket.receiveBuffer;
    socket.close();
  } catch (error) {
    return `receive buffers of UDP are unknown: ${(error as Error).message}`;
  }
  if (granted === undefined) {
    return "receive buffers of UDP are unknown: the runtime's socket is not " +
      "among the descriptors that the system gives next";
  }
  return granted >= UDP_RECEIVE_BUFFER
    ? undefined
    : `receive buffers of UDP have ${granted} bytes, not ` +
      `${UDP_RECEIVE_BUFFER}: bursts are lost; ` +
      `sysctl -w net.core.rmem_max=${UDP_RECEIVE_BUFFER}`;
}
