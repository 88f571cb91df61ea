/**
 * The command `check server`, which measures the delays and the speed of a
 * server.
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
 * @returns True if every server passed every step.
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
  const checks: ServerCheck[] = [];
  for (const server of servers) {
    checks.push(await checkServer(server, wishes, world));
  }
  const works = checks.every((check) => check.works);
  if (wishes.json) {
    await print(`${JSON.stringify({ works, servers: checks }, null, 2)}\n`);
  }
  return works;
}

/** The report about one server, as JSON. */
interface ServerCheck {
  /** `HOST:PORT`. */
  readonly address: string;
  readonly method: string;
  readonly works: boolean;
  /** The steps that were run, in order. */
  readonly steps: readonly Outcome[];
}

/** The result of a step: its facts, or `reason` and, if known, `code`. */
type Outcome = Facts & { readonly name: string; readonly ok: boolean };

/** Measured values. Each key contains the unit. */
type Facts = Readonly<Record<string, string | number | boolean>>;

/** One step of a check. */
interface Step {
  readonly name: string;
  /** True if the later steps make no sense after this one fails. */
  readonly isNeeded?: true;
  /** @throws When the step fails. */
  run(): Promise<Result>;
}

/** The result of a step that succeeded. */
interface Result {
  /** The result as text for people. */
  readonly line: string;
  /** The same values for programs. */
  readonly facts: Facts;
}

async function checkServer(
  server: UpstreamServer,
  wishes: Wishes,
  world: ProbeWorld,
): Promise<ServerCheck> {
  const address = formatAddress(server.endpoint);
  const method = describeMethod(server);
  const steps: Outcome[] = [];
  const say = (text: string): Promise<void> =>
    wishes.json ? Promise.resolve() : print(text);
  const check = (): ServerCheck => ({
    ...{ address, method, steps },
    works: steps.every(({ ok }) => ok),
  });
  const take = async (step: Step, advice = ""): Promise<boolean> => {
    const { name } = step;
    try {
      const { line, facts } = await step.run();
      steps.push({ name, ok: true, ...facts });
      await say(stepLine(name, line));
      return true;
    } catch (error) {
      const reason = reasonOf(error);
      const code = error instanceof UmbraError ? { code: error.code } : {};
      steps.push({ name, ok: false, ...code, reason });
      await say(stepLine(name, `failed: ${reason}${advice}`));
      return false;
    }
  };

  await say(`${address}, ${method}\n`);
  const startMs = world.clock.monotonicMs();
  await using owned = new AsyncDisposableStack();
  let through = server;
  const { plugin } = server;
  const startPlugin = async (): Promise<Result> => {
    const running = owned.use(await RunningPlugin.start(server, world));
    through = running.server;
    const afterMs = world.clock.monotonicMs() - startMs;
    return {
      line: `${plugin!.name} listens after ${afterMs.toFixed(1)} ms`,
      facts: { plugin: plugin!.name, afterMs },
    };
  };
  if (plugin !== undefined) {
    const started = await take({ name: "plugin", run: startPlugin });
    if (!started) return check();
  }
  const progress = new Progress({
    write: (text) => {
      process.stderr.write(text);
    },
    isTerminal: process.stderr.isTTY === true,
  }, world.clock);
  for (const step of stepsFor(server, through, wishes, world, progress)) {
    const run = async (): Promise<Result> => {
      try {
        return await step.run();
      } finally {
        progress.clear();
      }
    };
    const advice = "; `umbra doctor` says more";
    if (!await take({ ...step, run }, advice) && step.isNeeded) break;
  }
  return check();
}

function stepLine(name: string, line: string): string {
  return `  ${name.padEnd(11)} ${line}\n`;
}

/**
 * @param through The server as clients reach it: through its plugin, if it has
 * one.
 */
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
  ): Promise<Result> => {
    const times: number[] = [];
    for (let i = 1; i <= count; i++) {
      progress.show((i - 1) / count, `${name} ${i} of ${count}`);
      times.push(await once());
    }
    const { medianMs, leastMs, mostMs } = summarize(times);
    return {
      line: describeTimes(times),
      facts: { count, medianMs, leastMs, mostMs },
    };
  };
  const connect = async (): Promise<number> => {
    using deadline = new Deadline(clock, { delayMs: waitMs });
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
  const fetchIt = async (url: URL): Promise<Result> => {
    const state = await download(reached, {
      url,
      limitMs,
      progressed: (state) =>
        progress.show(shareOf(state, limitMs), amount(state)),
    }, world);
    const from = `${url.origin}${url.pathname}`;
    const { bytes, elapsedMs } = state;
    return {
      line: `${amount(state)}, ${from}`,
      facts: { url: from, bytes, elapsedMs },
    };
  };
  return [
    { name: "connect", isNeeded: true, run: () => take("connect", connect) },
    {
      name: "first byte",
      async run(): Promise<Result> {
        const { line, facts } = await take("first byte", firstByte);
        const asked = formatAddress(target);
        return {
          line: `${line}, ${asked}`,
          facts: { ...facts, target: asked },
        };
      },
    },
    ...url === undefined ? [] : [{ name: "download", run: () => fetchIt(url) }],
  ];
}

const REACTIONS = {
  silent: "silence",
  closed: "the connection was closed",
  foreign: "what came is not sealed with this key and method",
} as const;

/** Formats the median, the minimum and the maximum of some times. */
export function describeTimes(times: readonly number[]): string {
  const { medianMs, leastMs, mostMs } = summarize(times);
  const ms = (time: number): string => time.toFixed(1);
  return `${ms(medianMs)} ms (median of ${times.length}, least ` +
    `${ms(leastMs)}, most ${ms(mostMs)})`;
}

function summarize(
  times: readonly number[],
): { medianMs: number; leastMs: number; mostMs: number } {
  const sorted = times.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  return {
    medianMs: (sorted[Math.ceil(middle) - 1]! + sorted[Math.floor(middle)]!) /
      2,
    leastMs: sorted[0]!,
    mostMs: sorted.at(-1)!,
  };
}

/** Formats bytes, time and speed. */
export function amount({ bytes, elapsedMs }: DownloadState): string {
  const mebibytes = bytes / 2 ** 20;
  const seconds = Math.max(elapsedMs, 1) / 1_000;
  const megabits = bytes * 8 / 1e6;
  return `${(mebibytes / seconds).toFixed(1)} MiB/s ` +
    `(${(megabits / seconds).toFixed(0)} Mbit/s), ` +
    `${mebibytes.toFixed(1)} MiB in ${seconds.toFixed(1)} s`;
}

/**
 * Returns the share that is done, from 0 to 1: the greater of the share of
 * bytes, if the length is known, and the share of the time limit.
 */
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
