/**
 * Judges the facts about a fleet as findings. No I/O.
 *
 * @module
 */
import type { EngineFacts } from "../../adapters/fleet/_engine_facts.ts";
import { formatAgo, formatMs } from "../../admin/units.ts";
import type { FleetNode, NodeList } from "../../fleet.ts";
import { FLEET_CLOCK_WARN_S, FLEET_SLOW_MS } from "../../limits.ts";
import { nodeState } from "../../service/fleet/node_state.ts";
import { type Finding, findingsOf } from "../doctor/finding.ts";

/** The oldest versions that have all needed commands, by product. */
const OLDEST: Readonly<Record<string, readonly [number, number]>> = {
  valkey: [7, 2],
  redis: [6, 2],
};

/** Returns the findings about an engine. */
export function judgeEngine(facts: EngineFacts): Finding[] {
  return [
    judgeVersion(facts),
    judgeAnswer(facts),
    ...judgeKeeping(facts),
    judgeClock("clock", "this machine's clock", -facts.clockOffsetMs),
  ];
}

function judgeVersion({ product, version, isPrimary }: EngineFacts): Finding {
  const text = `${product} ${version}`;
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [least, lesser] = OLDEST[product] ?? OLDEST.redis!;
  if (major < least || major === least && minor < lesser) {
    const advice = "run Valkey 7.2, Redis 6.2, or a later version";
    return findingsOf("engine").fail(text, advice);
  }
  if (isPrimary) return findingsOf("engine").ok(text);
  return findingsOf("engine").fail(
    `${text} is a replica, which cannot be written`,
    "give the address of the primary, or of its sentinels",
  );
}

function judgeAnswer({ answerMs }: EngineFacts): Finding {
  const detail = `the engine answers after ${formatMs(answerMs)}`;
  if (answerMs <= FLEET_SLOW_MS) return findingsOf("latency").ok(detail);
  const advice = "users are admitted before it answers: place it nearer";
  return findingsOf("latency").warn(detail, advice);
}

function judgeKeeping({ keeping }: EngineFacts): Finding[] {
  if (keeping === undefined) {
    return [
      findingsOf("persistence").skip(
        "the engine's user may not read INFO, so this is not known",
        "allow it: ACL SETUSER umbra +info",
      ),
    ];
  }
  const { evictionPolicy } = keeping;
  return [
    evictionPolicy === "noeviction"
      ? findingsOf("eviction").ok("the policy is noeviction")
      : findingsOf("eviction").fail(
        `${evictionPolicy}: the engine deletes users when its memory is full`,
        "CONFIG SET maxmemory-policy noeviction, and the same in its " +
          "configuration",
      ),
    judgeDisk(keeping),
  ];
}

function judgeDisk(
  { appends, canWrite }: NonNullable<EngineFacts["keeping"]>,
): Finding {
  if (!canWrite) {
    return findingsOf("persistence").fail(
      "the last write to the engine's disk failed",
      "free space on its disk, and read its log",
    );
  }
  if (appends) {
    return findingsOf("persistence").ok(
      "the engine appends every change to its disk",
    );
  }
  return findingsOf("persistence").fail(
    "changes since the engine's last snapshot are lost when it ends",
    "CONFIG SET appendonly yes, and the same in its configuration",
  );
}

/** @param aheadMs Milliseconds that the clock is ahead of the engine's. */
function judgeClock(check: string, whose: string, aheadMs: number): Finding {
  const seconds = Math.abs(aheadMs) / 1_000;
  const way = aheadMs < 0 ? "behind" : "ahead of";
  const detail = `${whose} is ${seconds.toFixed(1)} s ${way} the engine's`;
  return seconds <= FLEET_CLOCK_WARN_S
    ? findingsOf(check).ok(detail)
    : findingsOf(check).fail(detail, "set it by NTP: timedatectl set-ntp true");
}

/** An address of a node that cannot be reached. */
export interface Silence {
  readonly node: string;
  /** `HOST:PORT`. */
  readonly address: string;
  /** The error message. */
  readonly reason: string;
}

/**
 * Returns the findings about nodes: the faults of each, or that it has none.
 *
 * @param sealedBy The number of users sealed with each fleet key, by the id of
 * the key.
 */
export function judgeNodes(
  list: NodeList,
  silences: readonly Silence[],
  sealedBy: ReadonlyMap<number, number>,
): Finding[] {
  if (list.nodes.length === 0) {
    return [
      findingsOf("nodes").warn(
        "no server has sent a heartbeat",
        "start one whose configuration has this fleet",
      ),
    ];
  }
  return list.nodes.flatMap((node) => {
    const own = silences.filter((one) => one.node === node.node);
    const faults = faultsOf(node, list, own, sealedBy);
    if (faults.length > 0) return faults;
    const state = nodeState(node, list);
    return [
      findingsOf(node.node).ok(`${state}, ${node.version}, ${node.runtime}`),
    ];
  });
}

function faultsOf(
  node: FleetNode,
  list: NodeList,
  silences: readonly Silence[],
  sealedBy: ReadonlyMap<number, number>,
): Finding[] {
  const check = findingsOf(node.node);
  if (nodeState(node, list) === "lost") {
    return [
      check.fail(
        `last heartbeat ${formatAgo(node.heardUnixMs, list.unixMs)}`,
        "check that it runs and that it reaches the engine",
      ),
    ];
  }
  const clock = judgeClock(node.node, "its clock", -node.clockOffsetMs);
  const { keyIds } = node;
  const missing = keyIds.length === 0
    ? 0
    : [...sealedBy].filter(([id]) => !keyIds.includes(id))
      .reduce((sum, [, users]) => sum + users, 0);
  return [
    ...clock.verdict === "ok" ? [] : [clock],
    ...missing === 0 ? [] : [
      check.fail(
        `it cannot open the sealed keys of ${missing} users`,
        "copy the fleet's key file to it, and reload or restart it",
      ),
    ],
    ...!node.isSealed ? [] : [
      check.fail(
        "its heartbeat is sealed with a key that is not in this key file",
        "give the fleet's current key file",
      ),
    ],
    ...silences.map(({ address, reason }) =>
      check.fail(
        `${address} cannot be reached from here: ${reason}`,
        "check its firewall and its public_host",
      )
    ),
  ];
}

/**
 * Returns the finding about the sealed passwords of users.
 *
 * @param unopened Ids of users whose passwords cannot be opened here.
 */
export function judgeSeals(
  sealedBy: ReadonlyMap<number, number>,
  unopened: readonly string[],
): Finding {
  const users = [...sealedBy.values()].reduce((sum, one) => sum + one, 0);
  const [first] = unopened;
  if (first === undefined) {
    return findingsOf("users").ok(`${users}, all can be opened`);
  }
  const others = unopened.length - 1;
  return findingsOf("users").fail(
    `the key of ${first} cannot be opened` +
      (others === 0 ? "" : `, nor those of ${others} others`),
    "give the fleet's current key file; remove and add again a user whose " +
      "key no file opens",
  );
}
