/**
 * The output of `umbra check transport`.
 *
 * @module
 */
import {
  isAutomatic,
  type LinuxTrial,
  tryLinux,
} from "../../adapters/net/choose.ts";
import { systemTransport } from "../../adapters/net/system.ts";
import { UDP_RECEIVE_BUFFER } from "../../limits.ts";
import type { Capabilities, Transport } from "../../transport.ts";

/**
 * Returns the abilities of each transport, and the choice of `auto` with the
 * reason.
 */
export async function transportTable(): Promise<string> {
  const runtime = systemTransport();
  const trial = await tryLinux();
  return [
    `runtime  ${runtime.name}'s own sockets`,
    `         ${abilities(runtime.capabilities)}`,
    `         ${await receiveBufferOf(runtime)}`,
    `linux    ${verdict(trial)}`,
    ...await details(trial),
    isAutomatic(trial)
      ? "auto chooses linux; --transport runtime chooses the runtime's sockets."
      : `auto chooses the runtime's sockets, because ${whyNot(trial)}.`,
  ].map((line) => `${line}\n`).join("");
}

function verdict(trial: LinuxTrial): string {
  return "reason" in trial
    ? `not available: ${trial.reason}`
    : "passed its self-test: Linux system calls through the foreign function interface";
}

/** Returns why `auto` does not choose Umbra's own sockets. */
function whyNot(trial: LinuxTrial): string {
  return "reason" in trial
    ? "linux is not available"
    : `to wake up by ${trial.facts.bell} costs more processor time`;
}

async function details(trial: LinuxTrial): Promise<string[]> {
  if ("reason" in trial) return [];
  const { linuxTransport } = await import(
    "../../adapters/net/linux/transport.ts"
  );
  const transport = await linuxTransport();
  const { bell, bellReason } = trial.facts;
  return [
    abilities(transport.capabilities),
    `wakes by ${bell}` +
    (bellReason === undefined ? "" : `: ${bellReason}`),
    await receiveBufferOf(transport),
  ].map((line) => `         ${line}`);
}

async function receiveBufferOf({ bind }: Transport): Promise<string> {
  const socket = await bind({ host: "127.0.0.1", port: 0 });
  const { receiveBuffer } = socket;
  socket.close();
  if (receiveBuffer === undefined) {
    return "UDP receive buffer: unknown, and its losses too: libc cannot be " +
      "called";
  }
  return `UDP receive buffer: ${receiveBuffer} bytes of ${UDP_RECEIVE_BUFFER} ` +
    "requested" +
    (receiveBuffer >= UDP_RECEIVE_BUFFER
      ? ""
      : `; sysctl -w net.core.rmem_max=${UDP_RECEIVE_BUFFER}`);
}

function abilities(capabilities: Capabilities): string {
  const names = Object.entries(ABILITIES)
    .filter(([key]) => capabilities[key as keyof Capabilities])
    .map(([, name]) => name);
  return `supports: ${names.length === 0 ? "nothing more" : names.join(", ")}`;
}

const ABILITIES: Readonly<Record<keyof Capabilities, string>> = {
  sharedUdpPort: "workers on one UDP port",
  outboundAddress: "outbound addresses of TCP",
  tls: "TLS",
  reset: "resets",
  descriptor: "sockets of a service manager",
  receiveBuffer: "large UDP buffers",
  batch: "UDP in batches",
  socketOptions: "marks, an interface and other options of sockets",
  redirection: "redirected connections and datagrams",
};
