/**
 * What `umbra doctor` looks at on this machine, whatever the configuration.
 *
 * @module
 */
import type { CipherChoice } from "../../adapters/crypto/providers.ts";
import type { Method } from "../../crypto/method.ts";
import type { Transport } from "../../transport.ts";
import type { Finding } from "./finding.ts";
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

/**
 * Findings `runtime`, `descriptors` and `crypto`.
 *
 * @param ciphers Who serves the methods in use.
 */
export function machineFindings(
  transport: Transport,
  methods: readonly Method[],
  ciphers: CipherChoice,
): Finding[] {
  const library = opensslPath();
  const flag = library && missingFlags([{ name: "ffi", value: library }])[0];
  return [
    { check: "runtime", verdict: "ok", detail: versionLine() },
    judgeDescriptors(transport.descriptorLimit()),
    // Only we look up a lightsocks table.
    ...methods.filter(({ family }) => family.name !== "lightsocks").map((
      method,
    ) => judgeCrypto(method, choiceOf(method, ciphers), library, flag)),
  ];
}

/** The result of the check of this machine's clock. */
export interface ClockReport {
  /** One line. */
  readonly finding: Finding;
  /** Seconds the true time is ahead of ours; 0 where no server was asked. */
  readonly offset: number;
}

/**
 * Compares our clock with a web server's, where one is named; else only says
 * whether the system keeps it.
 *
 * @param waitMs How long the web server may take.
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
    finding: { check: "clock", verdict: "warn", detail, advice },
    offset: 0,
  };
}
