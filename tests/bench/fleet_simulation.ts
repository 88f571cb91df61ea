/**
 * Simulates a thousand nodes and a million users with one engine. Each node has
 * a connection and sends what a real node sends in a second, with the scripts
 * of the program. The load is the processor time of the engine. `deno run -A
 * tests/bench/fleet_simulation.ts [USERS] [NODES] [SECONDS] [FAR]`
 *
 * The model is a peak: 15 % of all users are connected, each to 1.3 nodes; 40 %
 * of those pairs transfer bytes in a second; a node has five first connections
 * of users in a second; every tenth user has a limit of devices; ten users
 * change. `FAR` is the share of users, by default 0.9, who are far from every
 * limit and are reported every 5 s; the other users are reported every second.
 *
 * @module
 */
import process from "node:process";
import {
  type Argument,
  type EngineClient,
  openEngine,
} from "../../src/adapters/fleet/_engine_client.ts";
import { FleetNames } from "../../src/adapters/fleet/_fleet_names.ts";
import { ENTER, KEEP, PUT, REPORT } from "../../src/adapters/fleet/_scripts.ts";
import {
  FLEET_FAR_TICK_MS,
  MAX_FLEET_BATCH,
  SEAT_REFRESH_MS,
} from "../../src/limits.ts";
import { seededRandom } from "../support/bytes.ts";
import { RedisServer } from "../support/redis_server.ts";

const [users = 1_000_000, nodes = 1_000, seconds = 5, far = 0.9] = process.argv
  .slice(2).map(Number);

const ONLINE = 0.15;
const NODES_EACH = 1.3;
const MOVING = 0.4;
const FIRST_A_NODE = 5;
const SEATED = 0.1;
const CHANGES = 10;
const FAR_TICK_S = FLEET_FAR_TICK_MS / 1_000;

/** Time limit of one call in milliseconds; the machine may be busy. */
const CALL_MS = 600_000;

/** A value as long as a sealed key of 32 bytes. */
const SEALED = new Uint8Array(1 + 12 + 44 + 16).fill(0x55);

const next = seededRandom(1);
const NAMES = new FleetNames("sim");
const idOf = (user: number): string => `8388/user-${user}`;

/** A user on a node, and the reported counts. */
interface Pair {
  readonly user: number;
  up: number;
  down: number;
  sequence: number;
  /** True if bytes were transferred since the last report. */
  hasMoved: boolean;
  /** The second of its last report. */
  toldAt: number;
}

interface Node {
  readonly name: string;
  readonly client: EngineClient;
  readonly pairs: Pair[];
}

/** The reported bytes of some users, by user. */
const told = new Map<number, number>();
const WATCHED = 1_000;

await using server = await RedisServer.start(["--maxclients", "10000"]);
const { address } = await server.fleet().then(({ place }) => place);
const main = await openEngine(address, CALL_MS);

const filled = await cost(fill);
tell("adding one user", filled, users);
const memory = await info("used_memory");
const fleet: Node[] = [];
for (let i = 0; i < nodes; i++) {
  const client = await openEngine(address, CALL_MS);
  fleet.push({ name: `node-${i}`, client, pairs: [] });
}
for (let user = 0; user < users * ONLINE; user++) {
  const first = next() % nodes;
  fleet[first]!.pairs.push(pairOf(user));
  if (next() % 1_000 >= (NODES_EACH - 1) * 1_000) continue;
  const second = (first + 1 + next() % (nodes - 1)) % nodes;
  fleet[second]!.pairs.push(pairOf(user));
}
const pairs = fleet.reduce((sum, node) => sum + node.pairs.length, 0);

const counts = { reports: 0, first: 0, seats: 0, changes: 0 };
// The first reports of all pairs create their fields.
await cost(() => everywhere((node) => report(node, node.pairs)));
counts.reports = 0;
const bytesBefore = await traffic();
const load = await cost(async () => {
  for (let second = 0; second < seconds; second++) await oneSecond(second);
});
const bytesAfter = await traffic();
await check();

const perSecond = load / seconds;
const summary = {
  ...{ users, nodes, pairs, far, simulatedSeconds: seconds },
  callsASecond: Object.fromEntries(
    Object.entries(counts).map(([kind, count]) => [kind, count / seconds]),
  ),
  engineCores: perSecond / 1_000,
  microsecondsACall: Math.round(
    load * 1_000 / Object.values(counts).reduce((sum, one) => sum + one),
  ),
  bytesInASecond: Math.round((bytesAfter[0] - bytesBefore[0]) / seconds),
  bytesOutASecond: Math.round((bytesAfter[1] - bytesBefore[1]) / seconds),
  engineMemory: await info("used_memory"),
  memoryAUser: Math.round(memory / users),
};
process.stdout.write(`${JSON.stringify(summary, null, 1)}\n`);
for (const { client } of fleet) client.close();
main.close();

function pairOf(user: number): Pair {
  const toldAt = -(next() % FAR_TICK_S);
  return { user, up: 0, down: 0, sequence: 0, hasMoved: false, toldAt };
}

/** True if the pair is to be reported in this second. */
function isDue(pair: Pair, second: number): boolean {
  pair.hasMoved ||= next() % 1_000 < MOVING * 1_000;
  const isFar = pair.user % 1_000 < far! * 1_000;
  return pair.hasMoved && (!isFar || second - pair.toldAt >= FAR_TICK_S);
}

/** Sends what all nodes send in a second of the peak. */
async function oneSecond(second: number): Promise<void> {
  const seats = pairs * SEATED / (SEAT_REFRESH_MS / 1_000) / nodes;
  await everywhere(async (node) => {
    const due = node.pairs.filter((pair) => isDue(pair, second));
    for (const pair of due) {
      pair.hasMoved = false;
      pair.toldAt = second;
    }
    await report(node, due);
    await enter(node);
    await keep(node, Math.round(seats));
  });
  counts.changes += CHANGES;
  for (let i = 0; i < CHANGES; i++) {
    const id = idOf(next() % users);
    const version = await main.send("HGET", NAMES.user(id), "v");
    await main.run(PUT, [
      putting(id, Number(new TextDecoder().decode(version as Uint8Array))),
    ]);
  }
}

async function report(node: Node, moving: readonly Pair[]): Promise<void> {
  for (let i = 0; i < moving.length; i += MAX_FLEET_BATCH) {
    const batch = moving.slice(i, i + MAX_FLEET_BATCH);
    counts.reports += batch.length;
    await node.client.run(
      REPORT,
      batch.map((pair) => [
        NAMES.user(idOf(pair.user)),
        node.name,
        ...totals(pair),
      ]),
    );
  }
}

/** Admits users who are new on the node, or at a new address. */
async function enter(node: Node): Promise<void> {
  const calls: Argument[][] = [];
  for (let i = 0; i < FIRST_A_NODE && node.pairs.length > 0; i++) {
    const pair = node.pairs[next() % node.pairs.length]!;
    const id = idOf(pair.user);
    calls.push([
      ...[NAMES.user(id), NAMES.seats(id), node.name, markOf(next() % 4)],
      ...totals(pair),
    ]);
  }
  counts.first += calls.length;
  for (const call of calls) await node.client.run(ENTER, [call]);
}

async function keep(node: Node, seats: number): Promise<void> {
  counts.seats += seats;
  const calls = Array.from({ length: seats }, () => {
    const id = idOf(node.pairs[next() % node.pairs.length]!.user);
    return [NAMES.user(id), NAMES.seats(id), node.name, markOf(next() % 4)];
  });
  await node.client.run(KEEP, calls);
}

/** Returns incarnation, up, down, connections, open, sequence, wanted bytes. */
function totals(pair: Pair): Argument[] {
  const bytes = next() % 1_000_000;
  pair.up += bytes >>> 4;
  pair.down += bytes;
  if (pair.user < WATCHED) {
    const sum = (bytes >>> 4) + bytes;
    told.set(pair.user, (told.get(pair.user) ?? 0) + sum);
  }
  return [1, pair.up, pair.down, 3, 1, ++pair.sequence, 10_000_000];
}

async function everywhere(work: (node: Node) => Promise<void>): Promise<void> {
  await Promise.all(fleet.map(work));
}

/** Adds every user with the script of the program. */
async function fill(): Promise<void> {
  for (let user = 0; user < users; user += 1_000) {
    const last = Math.min(users, user + 1_000);
    const calls: Argument[][] = [];
    for (let i = user; i < last; i++) calls.push(putting(idOf(i), 0));
    await main.run(PUT, calls);
  }
}

function putting(id: string, version: number): Argument[] {
  const name = id.slice(id.indexOf("/") + 1);
  return [
    ...[NAMES.user(id), NAMES.indexOf("8388", name), NAMES.log, id, version],
    ...["k", SEALED, "q", 10_000_000_000_000],
    ...Number(name.slice("user-".length)) % 10 === 0 ? ["h", 3] : [],
  ];
}

/** Returns a mark; marks have 11 characters. */
function markOf(place: number): string {
  return `place-${place}`.padEnd(11, "x");
}

/** Checks that every reported byte is counted exactly once. */
async function check(): Promise<void> {
  for (const [user, bytes] of told) {
    const used = await main.send("HGET", NAMES.user(idOf(user)), "u");
    const counted = Number(new TextDecoder().decode(used as Uint8Array));
    if (counted !== bytes) {
      throw new Error(`User ${user}: ${counted} of ${bytes} bytes are counted`);
    }
  }
}

/** @returns Processor time of the engine in milliseconds. */
async function cost(work: () => Promise<void>): Promise<number> {
  const before = server.program.cpuMs();
  await work();
  return server.program.cpuMs() - before;
}

async function info(name: string): Promise<number> {
  const text = new TextDecoder().decode(
    await main.send("INFO") as Uint8Array,
  );
  return Number(new RegExp(`^${name}:(\\d+)`, "m").exec(text)![1]);
}

async function traffic(): Promise<readonly [number, number]> {
  return [
    await info("total_net_input_bytes"),
    await info("total_net_output_bytes"),
  ];
}

function tell(what: string, ms: number, count: number): void {
  const each = (ms * 1_000 / count).toFixed(1);
  process.stdout.write(`${what}: ${each} µs of the engine's processor\n`);
}
