/**
 * The command `check server`: how long a server takes, and how fast it is.
 *
 * @module
 */
import process from "node:process";
import { systemTransport } from "../../adapters/net/system.ts";
import { Deadline, systemClock } from "../../clock.ts";
import { formatAddress } from "../../codec/address.ts";
import { messageOf, UmbraError } from "../../errors.ts";
import { systemRandomBytes } from "../../random.ts";
import { carriesStreams } from "../../service/plugin/options.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import type { Arguments } from "../options/args.ts";
import { configureLocalOrRedir } from "../config/config.ts";
import { chooseProviders } from "../../adapters/crypto/providers.ts";
import { download, type DownloadState } from "./download.ts";
import { describeMethod } from "../config/legacy_gate.ts";
import { openOnline } from "../online/open_online.ts";
import { complain, print } from "../output.ts";
import {
  MEASURE,
  type MeasureKeys,
  PROBE,
  type ProbeSettings,
} from "../settings/probe.ts";
import { complete, fromOptions } from "../settings/read.ts";
import { RunningPlugin } from "./doctor_plugin.ts";
import { headRequest } from "./head_request.ts";
import { type ProbeWorld, reach, requestTarget } from "./probe_server.ts";
import { Progress } from "./progress.ts";
import { systemSources } from "../config/sources.ts";

const TABLE = { ...PROBE, ...MEASURE };

type Wishes = ProbeSettings & MeasureKeys;

/**
 * Runs `umbra check server`.
 *
 * @param args Its operands are `ss://` URIs, or the address of a list.
 * @returns Whether everything could be measured.
 * @throws {ConfigError} When the configuration is wrong.
 */
export async function runCheckServer(args: Arguments): Promise<boolean> {
  const wishes = complete(TABLE, fromOptions(TABLE, args));
  using online = await openOnline(args, systemSources);
  const { result, warnings, operator } = configureLocalOrRedir(
    args,
    systemSources,
    online?.servers,
  );
  for (const warning of [...online?.warnings ?? [], ...warnings]) {
    complain(`umbra: ${warning}\n`);
  }
  const { servers } = result[0]!;
  const world: ProbeWorld = {
    transport: systemTransport(operator.outbound),
    clock: systemClock,
    randomBytes: systemRandomBytes,
    ...chooseProviders([...new Set(servers.map((one) => one.method))]),
    waitMs: wishes.waitMs,
  };
  let works = true;
  for (const server of servers) {
    works = await checkServer(server, wishes, world) && works;
  }
  return works;
}

/** One step: its name, and what does it. */
interface Step {
  readonly name: string;
  /** True if the steps after it are pointless where it fails. */
  readonly isNeeded?: true;
  /** @returns What to print. @throws When it cannot be done. */
  run(): Promise<string>;
}

async function checkServer(
  server: UpstreamServer,
  wishes: Wishes,
  world: ProbeWorld,
): Promise<boolean> {
  const { endpoint } = server;
  await print(`${formatAddress(endpoint)}, ${describeMethod(server)}\n`);
  const startMs = world.clock.monotonicMs();
  let running: RunningPlugin;
  try {
    running = await RunningPlugin.start(server, world);
  } catch (error) {
    await print(stepLine("plugin", `failed: ${reasonOf(error)}`));
    return false;
  }
  await using through = running;
  if (server.plugin !== undefined) {
    const tookMs = world.clock.monotonicMs() - startMs;
    const line = `${server.plugin.name} listens after ${tookMs.toFixed(1)} ms`;
    await print(stepLine("plugin", line));
  }
  const progress = new Progress({
    write: (text) => {
      process.stderr.write(text);
    },
    isTerminal: process.stderr.isTTY === true,
  }, world.clock);
  let works = true;
  const steps = stepsFor(server, through.server, wishes, world, progress);
  for (const { name, isNeeded, run } of steps) {
    let line: string;
    let failed = false;
    try {
      line = await run();
    } catch (error) {
      failed = true;
      line = `failed: ${reasonOf(error)}; \`umbra doctor\` tells more`;
    }
    progress.clear();
    await print(stepLine(name, line));
    works &&= !failed;
    if (failed && isNeeded) break;
  }
  return works;
}

function stepLine(name: string, line: string): string {
  return `  ${name.padEnd(11)} ${line}\n`;
}

/** @param through The server as it is reached, through its plugin or not. */
function stepsFor(
  server: UpstreamServer,
  through: UpstreamServer,
  { target, count, url, limitMs }: Wishes,
  world: ProbeWorld,
  progress: Progress,
): Step[] {
  const { clock, transport, waitMs } = world;
  const { host, port } = server.endpoint;
  let reached = through;
  const take = async (
    name: string,
    once: () => Promise<number>,
  ): Promise<string> => {
    const times: number[] = [];
    for (let i = 1; i <= count; i++) {
      progress.show((i - 1) / count, `${name} ${i} of ${count}`);
      times.push(await once());
    }
    return describeTimes(times);
  };
  const connect = async (): Promise<number> => {
    using deadline = new Deadline(clock, {
      delayMs: waitMs,
      code: "ERR_NET_TIMEOUT",
    });
    const addresses = await transport.resolve(host, deadline);
    const { endpoint, connectMs } = await reach(addresses, port, world);
    if (!carriesStreams(server.plugin)) reached = { ...server, endpoint };
    return connectMs;
  };
  const firstByte = async (): Promise<number> => {
    const payload = headRequest(target);
    const reaction = await requestTarget(reached, target, payload, world);
    if (reaction.kind === "answer") return reaction.afterMs;
    throw new Error(
      `no answer of ${formatAddress(target)} (${REACTIONS[reaction.kind]})`,
    );
  };
  const fetchIt = (url: URL): Promise<string> =>
    download(reached, {
      url,
      limitMs,
      progressed: (state) =>
        progress.show(shareOf(state, limitMs), amount(state)),
    }, world).then((state) => `${amount(state)}, ${url.origin}${url.pathname}`);
  return [
    { name: "connect", isNeeded: true, run: () => take("connect", connect) },
    {
      name: "first byte",
      run: async () =>
        `${await take("first byte", firstByte)}, ${formatAddress(target)}`,
    },
    ...url === undefined ? [] : [{ name: "download", run: () => fetchIt(url) }],
  ];
}

const REACTIONS = {
  silent: "silence",
  closed: "the connection was closed",
  foreign: "what came is not sealed with this key and method",
} as const;

/** The middle, the least and the most of some times. */
export function describeTimes(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const median =
    (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) / 2;
  const ms = (time: number): string => time.toFixed(1);
  return `${ms(median)} ms (median of ${times.length}, least ` +
    `${ms(sorted[0]!)}, most ${ms(sorted.at(-1)!)})`;
}

/** How much in what time, and how fast that is. */
export function amount({ bytes, elapsedMs }: DownloadState): string {
  const mebibytes = bytes / 2 ** 20;
  const seconds = Math.max(elapsedMs, 1) / 1_000;
  const megabits = bytes * 8 / 1e6;
  return `${(mebibytes / seconds).toFixed(1)} MiB/s ` +
    `(${(megabits / seconds).toFixed(0)} Mbit/s), ` +
    `${mebibytes.toFixed(1)} MiB in ${seconds.toFixed(1)} s`;
}

/** By bytes where the length is known, and by time: whichever ends it first. */
export function shareOf(
  { bytes, total, elapsedMs }: DownloadState,
  limitMs: number,
): number {
  return Math.max(total === undefined ? 0 : bytes / total, elapsedMs / limitMs);
}

function reasonOf(error: unknown): string {
  if (error instanceof UmbraError) {
    const late = error.code === "ERR_NET_TIMEOUT";
    const reason = late ? "nothing came in time, see --wait" : error.message;
    return `${reason} (${error.code})`;
  }
  return messageOf(error);
}
