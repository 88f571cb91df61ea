/**
 * The checks of `umbra doctor` that concern this machine and not the
 * configuration.
 *
 * @module
 */
import type { CipherChoice } from "../../adapters/crypto/providers.ts";
import type { Method } from "../../crypto/method.ts";
import type { Transport } from "../../transport.ts";
import { type Finding, findingsOf } from "./finding.ts";
import {
  clockOffset,
  httpDateSeconds,
  judgeClock,
  judgeKeptClock,
} from "./judge_clock.ts";
import { judgeCrypto, judgeDescriptors } from "./judge_machine.ts";
import { clockIsKept, missingFlags, opensslPath } from "./machine_facts.ts";
import { choiceOf } from "../tools/crypto.ts";
import { versionLine } from "../tools/version.ts";

const RUNTIME = findingsOf("runtime");
const CLOCK = findingsOf("clock");

/**
 * Returns the findings `runtime`, `descriptors` and `crypto`.
 *
 * @param ciphers The providers of the methods in use.
 */
export function machineFindings(
  transport: Transport,
  methods: readonly Method[],
  ciphers: CipherChoice,
): Finding[] {
  const library = opensslPath();
  const flag = library && missingFlags([{ name: "ffi", value: library }])[0];
  return [
    RUNTIME.ok(versionLine()),
    judgeDescriptors(transport.descriptorLimit()),
    // The lightsocks table is always computed by Umbra itself.
    ...methods.filter(({ family }) => family.name !== "lightsocks").map((
      method,
    ) => judgeCrypto(method, choiceOf(method, ciphers), library, flag)),
  ];
}

/** The result of the check of this machine's clock. */
export interface ClockReport {
  /** The finding. */
  readonly finding: Finding;
  /**
   * Seconds that the true time is ahead of this machine's; 0 if no server was
   * asked.
   */
  readonly offset: number;
}

/**
 * Compares this machine's clock with that of a web server, if one is named.
 * Otherwise reports only if the system keeps the clock right.
 *
 * @param waitMs Milliseconds that the web server may take.
 */
export async function examineClock(
  url: URL | undefined,
  needsClock: boolean,
  waitMs: number,
): Promise<ClockReport> {
  if (url === undefined) {
    return { finding: judgeKeptClock(clockIsKept(), needsClock), offset: 0 };
  }
  const sentUnixMs = Date.now();
  try {
    const response = await fetch(url, {
      method: "HEAD",
      redirect: "manual",
      signal: AbortSignal.timeout(waitMs),
    });
    const seconds = httpDateSeconds(response.headers.get("date"));
    if (seconds === undefined) return unasked(url, "sends no date");
    const offset = clockOffset(seconds, sentUnixMs, Date.now());
    return { finding: judgeClock(offset, url.host, needsClock), offset };
  } catch (error) {
    return unasked(url, `cannot be asked: ${(error as Error).message}`);
  }
}

function unasked(url: URL, reason: string): ClockReport {
  const detail = `${url.host} ${reason}`;
  const advice = "name another web server with --clock-url";
  return {
    finding: CLOCK.warn(detail, advice),
    offset: 0,
  };
}
