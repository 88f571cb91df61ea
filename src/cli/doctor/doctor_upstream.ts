/**
 * The checks of `umbra doctor` of one server, over the network only: name,
 * connection, key, target, clock, UDP.
 *
 * @module
 */
import { type Clock, Deadline, systemClock } from "../../clock.ts";
import type { Address } from "../../codec/address.ts";
import { type ErrorCode, UmbraError } from "../../errors.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { clockOffset, dateOfResponse, judgeClock } from "./judge_clock.ts";
import { judgeDns } from "./judge_machine.ts";
import {
  type Controls,
  type Evidence,
  judgeServer,
  judgeUdp,
  judgeUnreachable,
  judgeUnsent,
} from "./judge_server.ts";
import { headRequest } from "./head_request.ts";
import { findClockOffset, shifted } from "./probe_clock.ts";
import {
  NOWHERE,
  type ProbeWorld,
  reach,
  type Reaction,
  requestTarget,
  sendGarbage,
} from "./probe_server.ts";
import { askOverUdp } from "./probe_udp.ts";

const CONNECT = findingsOf("connect");

/** A server and how to check it. */
export interface UpstreamTrial {
  /** The server; its host may be a name. */
  readonly server: UpstreamServer;
  /** The target to reach through the server. */
  readonly target: Address;
  /** Resolver to ask over UDP; if not set, UDP is not checked. */
  readonly resolver?: Address | undefined;
  /** True if the configuration uses UDP, so that UDP must work. */
  readonly udpWanted: boolean;
  /** True if the configuration uses TCP. */
  readonly tcpWanted: boolean;
  /**
   * Called with the next step and the share of it that is done, 0 to 1, if
   * known.
   */
  progressed(what: string, share?: number): void;
}

/** Runs all checks and yields each finding at once. */
export async function* examineUpstream(
  trial: UpstreamTrial,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  const { server, resolver, udpWanted, tcpWanted, progressed } = trial;
  const { host, port } = server.endpoint;
  progressed(`looking ${host} up`);
  const { finding, addresses } = await lookUp(host, world);
  yield finding;
  if (addresses.length === 0) return;
  let address = addresses[0]!;
  let keyIsRight = false;
  let clock = world.clock;
  if (tcpWanted) {
    try {
      progressed(`connecting to ${host}`);
      const { endpoint, connectMs } = await reach(addresses, port, world);
      address = endpoint.host;
      yield CONNECT.ok(
        `connected to ${host} port ${port} in ` +
          `${Math.round(connectMs)} ms`,
      );
      const reached = { ...trial, server: { ...server, endpoint } };
      const { findings, offsetS } = await tryKey(reached, connectMs, world);
      clock = shifted(clock, offsetS);
      for (const finding of findings) {
        keyIsRight ||= finding.check === "key" && finding.verdict === "ok";
        yield finding;
      }
    } catch (error) {
      yield judgeUnreachable(server.endpoint, codeOf(error));
    }
  }
  if (resolver !== undefined) {
    const reached = { ...server, endpoint: { host: address, port } };
    try {
      progressed(`asking ${resolver.host} over UDP`);
      const reaction = await askOverUdp(reached, resolver, { ...world, clock });
      yield judgeUdp(reaction, resolver, udpWanted, keyIsRight || !tcpWanted);
    } catch (error) {
      yield judgeUnsent(reached.endpoint, codeOf(error), udpWanted);
    }
  }
}

/** Resolves a name with the system's resolver. */
export async function lookUp(
  host: string,
  { transport, clock, waitMs }: ProbeWorld,
): Promise<{ finding: Finding; addresses: readonly string[] }> {
  const startMs = clock.monotonicMs();
  using deadline = new Deadline(clock, { delayMs: waitMs });
  let addresses: readonly string[] = [];
  let reason: string | undefined;
  try {
    addresses = await transport.resolve(host, deadline);
  } catch (error) {
    reason = DNS_FAILURES[codeOf(error)] ?? (error as Error).message;
  }
  const tookMs = clock.monotonicMs() - startMs;
  return { finding: judgeDns(host, tookMs, addresses, reason), addresses };
}

/** Returns the reactions to requests that must fail. Both are sent at once. */
export async function takeControls(
  server: UpstreamServer,
  world: ProbeWorld,
): Promise<Controls> {
  const [nowhere, garbage] = await Promise.all([
    requestTarget(server, NOWHERE, headRequest(NOWHERE), world),
    sendGarbage(server, world),
  ]);
  return { nowhere, garbage };
}

/** The result of the check of a key. */
interface KeyTrial {
  readonly findings: readonly Finding[];
  /**
   * Seconds that the world's clock had to be put ahead until the server
   * accepted the key.
   */
  readonly offsetS: number;
}

async function tryKey(
  trial: UpstreamTrial,
  connectMs: number,
  world: ProbeWorld,
): Promise<KeyTrial> {
  const { server, target, progressed } = trial;
  progressed(`asking for ${target.host} through the server`);
  const asked = await ask(trial, world);
  if (["answer", "foreign"].includes(asked.answer.kind)) {
    return { findings: judge(trial, asked, world), offsetS: 0 };
  }
  progressed("comparing it with what must fail");
  const controls = await takeControls(server, world);
  const { nowhere, garbage } = controls;
  const findings = judge(trial, { ...asked, controls }, world);
  const isMute = nowhere.kind === "silent" && garbage.kind === "silent";
  if (!isMute || !server.method.family.needsClock) {
    return { findings, offsetS: 0 };
  }
  const offsetS = await findClockOffset(server, {
    connectMs,
    progressed: (share) => progressed("trying other time stamps", share),
  }, world);
  if (offsetS === undefined) {
    return {
      findings: judge(trial, { ...asked, controls, clocksTried: true }, world),
      offsetS: 0,
    };
  }
  const stamped = { ...world, clock: shifted(world.clock, offsetS) };
  const again = await ask(trial, stamped);
  const understood: Controls = { garbage, nowhere: UNDERSTOOD };
  const known = judge(trial, { ...again, controls: understood }, stamped);
  return {
    findings: known.some(({ check }) => check === "clock") ? known : [
      ...known,
      judgeClock(clockError(stamped.clock), "the server", true),
    ],
    offsetS,
  };
}

/** The reaction of a server that accepted another time stamp. */
const UNDERSTOOD: Reaction = { kind: "closed", afterMs: 0 };

/** Returns how many seconds a clock is ahead of this machine's. */
function clockError(clock: Clock): number {
  return Math.round((clock.unixMs() - systemClock.unixMs()) / 1_000);
}

/** The reaction to a request, with this machine's time before and after it. */
interface Asked {
  readonly answer: Reaction;
  readonly sentUnixMs: number;
  readonly receivedUnixMs: number;
}

async function ask(
  { server, target }: UpstreamTrial,
  world: ProbeWorld,
): Promise<Asked> {
  const sentUnixMs = systemClock.unixMs();
  const payload = headRequest(target);
  const answer = await requestTarget(server, target, payload, world);
  return { answer, sentUnixMs, receivedUnixMs: systemClock.unixMs() };
}

/**
 * Returns the findings `key`, `target` and `clock`, as far as they are known.
 */
function judge(
  { server: { method }, target }: UpstreamTrial,
  { answer, sentUnixMs, receivedUnixMs, ...rest }:
    & Asked
    & Pick<Evidence, "controls" | "clocksTried">,
  { waitMs }: ProbeWorld,
): Finding[] {
  const findings = judgeServer({ method, target, answer, waitMs, ...rest });
  const other = otherClock(answer, target);
  if (other === undefined) return findings;
  const offset = clockOffset(other.unixSeconds, sentUnixMs, receivedUnixMs);
  return [
    ...findings,
    judgeClock(offset, other.whose, method.family.needsClock),
  ];
}

/** Returns the server's clock or, if that is not known, the target's. */
function otherClock(
  answer: Reaction,
  target: Address,
): { unixSeconds: number; whose: string } | undefined {
  if (answer.kind !== "answer") return undefined;
  if (answer.unixSeconds !== undefined) {
    return { unixSeconds: answer.unixSeconds, whose: "the server" };
  }
  const unixSeconds = dateOfResponse(answer.payload);
  return unixSeconds === undefined
    ? undefined
    : { unixSeconds, whose: target.host };
}

const DNS_FAILURES: Readonly<Partial<Record<ErrorCode, string>>> = {
  ERR_NET_NAME_NOT_FOUND: "there is no such name",
  ERR_NET_NAME_TEMPORARY: "the resolver does not answer",
  ERR_NET_TIMEOUT: "the resolver does not answer",
};

/** @throws Any error that is not an {@link UmbraError}, which is a defect. */
function codeOf(error: unknown): ErrorCode {
  if (error instanceof UmbraError) return error.code;
  throw error;
}
