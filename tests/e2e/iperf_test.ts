// Names of iperf3's report are what they are.
// deno-lint-ignore-file camelcase
/**
 * iperf3 through `umbra tunnel`, TCP and UDP: its control channel and its data
 * go through the same port.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  freePort,
  Program,
  runToEnd,
  waitForPort,
} from "../support/process.ts";
import { announceSkip, report } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { METHOD, OUR_PAIRINGS, PASSWORD, startServer } from "./chain.ts";
import { missingPrograms } from "./clients.ts";

const skip = missingPrograms(["iperf3"], "iperf3");
if (skip) announceSkip(skip);

/** Both ways; down is the shorter one. */
const WAYS = [
  { way: "up", seconds: 2, flags: [] },
  { way: "down", seconds: 1, flags: ["--reverse"] },
];

/** Bits a second of the UDP tests; a busy machine holds it. */
const UDP_RATE = 10_000_000;

for (const pairing of OUR_PAIRINGS.filter((p) => p.local === p.server)) {
  const runtime = pairing.local as "deno" | "bun";
  test(`iperf3 over a tunnel of ${pairing.name}, TCP and UDP, both ways`, {
    skip,
  }, async () => {
    const target = await freePort();
    const port = await freePort();
    await using _iperf = await Program.start([
      ...["iperf3", "--server", "--bind", "127.0.0.1", "--port", `${target}`],
    ]);
    await waitForPort(target);
    await using server = await startServer(runtime, { flags: ["-u"] });
    await using tunnel = await Program.start([
      ...[...programCommand(runtime), "tunnel", "-u"],
      ...["-L", `127.0.0.1:${target}`, "-l", `${port}`],
      ...["-s", `127.0.0.1:${server.address.port}`],
      ...["-k", PASSWORD, "-m", METHOD],
    ], { ready: /ss-tunnel listening on .*TCP and UDP/, cwd: ROOT });
    for (const { way, seconds, flags } of WAYS) {
      const time = ["--time", `${seconds}`, ...flags];
      const tcp = await iperf(port, time);
      report(`${pairing.name}, TCP ${way}: ${megabits(tcp.sum_received)}`);
      assert.ok(tcp.sum_received.bytes > 1_000_000, tunnel.describe());
      const udp = await iperf(port, [
        ...["--udp", "--length", "1200", "--bitrate", `${UDP_RATE}`],
        ...time,
      ]);
      const { packets, lost_packets: lost } = udp.sum;
      report(
        `${pairing.name}, UDP ${way}: ${packets} datagrams, ${lost} lost, ` +
          `${megabits(udp.sum)}`,
      );
      // What the path holds: losses are for a machine that is busy otherwise.
      assert.ok(udp.sum.bytes > 0.8 * seconds * UDP_RATE / 8);
      assert.ok(lost < 0.2 * packets, `${lost} of ${packets} lost`);
    }
  });
}

interface Sum {
  readonly bytes: number;
  readonly bits_per_second: number;
  readonly packets: number;
  readonly lost_packets: number;
}

/** Runs the client. @returns The sums of its report. */
async function iperf(
  port: number,
  flags: readonly string[],
): Promise<{ readonly sum: Sum; readonly sum_received: Sum }> {
  const { code, output } = await runToEnd([
    ...["iperf3", "--client", "127.0.0.1", "--port", `${port}`, "--json"],
    ...flags,
  ], 20_000);
  assert.equal(code, 0, output);
  return JSON.parse(output).end;
}

function megabits({ bits_per_second: rate }: Sum): string {
  return `${Math.round(rate / 1_000_000)} Mbit/s`;
}
