/**
 * What `umbra doctor` does for one server it can only talk to: name,
 * connection, key, target, clock, UDP.
 *
 * @module
 */
import { Deadline, systemClock } from "../../clock.ts";
import type { Address } from "../../codec/address.ts";
import { type ErrorCode, UmbraError } from "../../errors.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import type { Finding } from "./finding.ts";
import { clockOffset, dateOfResponse, judgeClock } from "./judge_clock.ts";
import { judgeDns } from "./judge_machine.ts";
import {
  type Controls,
  judgeServer,
  judgeUdp,
  judgeUnreachable,
} from "./judge_server.ts";
import { headRequest } from "./head_request.ts";
import {
  type ProbeWorld,
  reach,
  type Reaction,
  requestTarget,
  sendGarbage,
} from "./probe_server.ts";
import { askOverUdp } from "./probe_udp.ts";

/** What to try. */
export interface UpstreamTrial {
  /** The server; a name is looked up. */
  readonly server: UpstreamServer;
  /** What to reach through it. */
  readonly target: Address;
  /** Resolver to ask over UDP; not set: UDP is not tried. */
  readonly resolver?: Address | undefined;
  /** Whether UDP is part of the configuration, so that it must work. */
  readonly udpWanted: boolean;
  /** Whether TCP is. */
  readonly tcpWanted: boolean;
}

/** A target that no server reaches: a port of its own that nobody uses. */
const NOWHERE: Address = { host: "127.0.0.1", port: 1 };

/** Tries everything, and tells what it found as it goes. */
export async function* examineUpstream(
  { server, target, resolver, udpWanted, tcpWanted }: UpstreamTrial,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  const { host, port } = server.endpoint;
  const { finding, addresses } = await lookUp(host, world);
  yield finding;
  if (addresses.length === 0) return;
  let address = addresses[0]!;
  let keyIsRight = false;
  if (tcpWanted) {
    try {
      const { endpoint, connectMs } = await reach(addresses, port, world);
      address = endpoint.host;
      const detail = `connected to ${host} port ${port} in ` +
        `${Math.round(connectMs)} ms`;
      yield { check: "connect", verdict: "ok", detail };
      const reached = { ...server, endpoint };
      for (const finding of await tryKey(reached, target, world)) {
        keyIsRight ||= finding.check === "key" && finding.verdict === "ok";
        yield finding;
      }
    } catch (error) {
      yield judgeUnreachable(server.endpoint, codeOf(error));
    }
  }
  if (resolver !== undefined) {
    const reached = { ...server, endpoint: { host: address, port } };
    const reaction = await askOverUdp(reached, resolver, world);
    yield judgeUdp(reaction, resolver, udpWanted, keyIsRight || !tcpWanted);
  }
}

/** Looks a name up with the system's resolver. */
export async function lookUp(
  host: string,
  { transport, clock, waitMs }: ProbeWorld,
): Promise<{ finding: Finding; addresses: readonly string[] }> {
  const startMs = clock.monotonicMs();
  using deadline = new Deadline(clock, {
    delayMs: waitMs,
    code: "ERR_NET_TIMEOUT",
  });
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

/** Reactions to what must fail; the server is asked both at once. */
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

async function tryKey(
  server: UpstreamServer,
  target: Address,
  world: ProbeWorld,
): Promise<Finding[]> {
  const { method } = server;
  const { waitMs } = world;
  const sentUnixMs = systemClock.unixMs();
  const answer = await requestTarget(
    server,
    target,
    headRequest(target),
    world,
  );
  const receivedUnixMs = systemClock.unixMs();
  const told = answer.kind === "answer" || answer.kind === "foreign";
  const controls = told ? undefined : await takeControls(server, world);
  const findings = judgeServer({
    ...{ method, target, answer, waitMs },
    ...(controls && { controls }),
  });
  const other = otherClock(answer, target);
  if (other === undefined) return findings;
  const offset = clockOffset(other.unixSeconds, sentUnixMs, receivedUnixMs);
  return [
    ...findings,
    judgeClock(offset, other.whose, method.family.needsClock),
  ];
}

/** The server's clock, or else the target's. */
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

/** @throws What is no error of ours: a defect. */
function codeOf(error: unknown): ErrorCode {
  if (error instanceof UmbraError) return error.code;
  throw error;
}
