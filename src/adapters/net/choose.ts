/**
 * Chooses the sockets: those of the runtime, or Umbra's own over Linux system
 * calls.
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

/** A transport, and warnings about it. */
export interface ChosenTransport {
  readonly transport: Transport;
  /** One line for each warning. */
  readonly warnings: readonly string[];
}

/** The result of the self-test of Umbra's own sockets. */
export type LinuxTrial =
  | { readonly facts: LinuxFacts }
  /** The reason why they are not available. */
  | { readonly reason: string };

/** Tests Umbra's own sockets. */
export async function tryLinux(): Promise<LinuxTrial> {
  try {
    const { testLinux } = await import("./linux/self_test.ts");
    return { facts: await testLinux() };
  } catch (error) {
    return { reason: (error as Error).message };
  }
}

/**
 * Chooses a transport. `auto` chooses Umbra's own sockets where they pass their
 * self-test and wake up at their usual cost, see docs/decisions/0086; it has no
 * warnings.
 *
 * @param outbound Source addresses; default: the system chooses.
 * @param sockets Socket options; used if `Capabilities.socketOptions` is true.
 */
export async function chooseTransport(
  name: TransportName,
  outbound?: OutboundAddresses,
  sockets?: SocketOptions,
): Promise<ChosenTransport> {
  if (name === "runtime") return runtimeSockets(outbound);
  const trial = await tryLinux();
  if ("reason" in trial) {
    return runtimeSockets(
      outbound,
      name === "auto" ? undefined : "--transport linux is not available, " +
        `using the runtime's sockets: ${trial.reason}; see umbra check ` +
        "transport",
    );
  }
  if (name === "auto" && !isAutomatic(trial)) return runtimeSockets(outbound);
  const { linuxTransport } = await import("./linux/transport.ts");
  const { bell, bellReason } = trial.facts;
  return {
    transport: await linuxTransport(outbound, sockets),
    warnings: bellReason === undefined ? [] : [
      `--transport linux wakes up by ${bell}, which costs more processor ` +
      `time: ${bellReason}`,
    ],
  };
}

function runtimeSockets(
  outbound?: OutboundAddresses,
  warning?: string,
): ChosenTransport {
  return {
    transport: systemTransport(outbound),
    warnings: warning === undefined ? [] : [warning],
  };
}

/** True if `auto` chooses Umbra's own sockets. */
export function isAutomatic(trial: LinuxTrial): boolean {
  return "facts" in trial && trial.facts.bellReason === undefined;
}

/**
 * Returns a warning about the UDP receive buffers of a transport, in one line.
 *
 * @returns `undefined` if nothing is wrong.
 */
export async function receiveBufferWarning(
  { bind, capabilities }: Pick<Transport, "bind" | "capabilities">,
): Promise<string | undefined> {
  if (!capabilities.receiveBuffer) {
    return process.platform === "linux"
      ? "UDP receive buffers have the system's default size, and lost " +
        "datagrams are not counted: libc cannot be called; see umbra check " +
        "transport"
      : undefined;
  }
  let granted: number | undefined;
  try {
    const socket = await bind({ host: "127.0.0.1", port: 0 });
    granted = socket.receiveBuffer;
    socket.close();
  } catch (error) {
    return `size of UDP receive buffers is unknown: ${
      (error as Error).message
    }`;
  }
  if (granted === undefined) {
    return "size of UDP receive buffers is unknown: the descriptor of the " +
      "runtime's socket was not found";
  }
  return granted >= UDP_RECEIVE_BUFFER
    ? undefined
    : `UDP receive buffers have ${granted} bytes instead of ` +
      `${UDP_RECEIVE_BUFFER}, so bursts may be lost; run sysctl -w ` +
      `net.core.rmem_max=${UDP_RECEIVE_BUFFER}`;
}
