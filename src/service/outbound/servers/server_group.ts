/**
 * Several servers as one way: each connection takes one that works, by the
 * policy, and the next where that fails or is slow. Flows of datagrams keep
 * their server while it works.
 *
 * @module
 */
import { type Address, formatAddress } from "../../../codec/address.ts";
import { detach } from "../../../defect.ts";
import { TransportError } from "../../../errors.ts";
import {
  CONNECT_TIMEOUT_MS,
  MAX_PROBES,
  PROBE_JITTER,
  SERVER_SILENCE_MS,
} from "../../../limits.ts";
import type { StopSignal } from "../../../on_abort.ts";
import type { Channel } from "../../../streams/channel.ts";
import { type Dependencies, withDefaults } from "../../service.ts";
import type { Outbound, PacketChannel } from "../outbound.ts";
import type { UpstreamServer } from "../shadowsocks.ts";
import { GroupServer } from "./group_server.ts";
import type { HealthState } from "./health.ts";
import { GROUP_DEFAULTS, type GroupOptions } from "./options.ts";
import { makePolicy } from "./policies/policies.ts";
import {
  type Candidate,
  heaviest,
  type Policy,
  type PolicyName,
} from "./policies/policy.ts";
import { firstToOpen, type Way } from "./race.ts";
import { sameServer } from "./same_server.ts";
import type { GroupServerStatus, SwitchReason } from "./server_status.ts";

/** The switches of a server until the next reload. */
export interface ServerSwitches {
  /** True to take it out. */
  readonly disabled?: boolean | undefined;
  /** Share for TCP, 0 to 1. */
  readonly tcpWeight?: number | undefined;
  /** Share for UDP, 0 to 1. */
  readonly udpWeight?: number | undefined;
}

/** The options of a new group. */
export interface ServerGroupOptions extends Partial<GroupOptions> {
  /** Milliseconds to resolve and connect to a server; default 10,000. */
  readonly connectTimeoutMs?: number;
}

type Given = Required<ServerGroupOptions>;

/** Servers among which one is chosen, and how. */
interface Pool {
  /** The members; not set: all of the group. */
  readonly members?: readonly string[];
  /** The options for which the policies are made. */
  options: Given;
  policy: Policy;
  /** The policy of datagrams; not set: datagrams follow streams. */
  udpPolicy: Policy | undefined;
  /** The server of the last stream. */
  selected: GroupServer | undefined;
}

/** A stream to be opened. */
interface Stream {
  readonly target: Address;
  /** See `Outbound.open`. */
  readonly first: Uint8Array;
}

/** One way that is many. */
export class ServerGroup implements Outbound {
  /** See {@link Outbound.name}. */
  readonly name = "servers";
  readonly #world: Required<Dependencies>;
  #options: Given;
  /** The servers. */
  readonly #pool: Pool;
  #servers: readonly GroupServer[] = [];
  #pinned: GroupServer | undefined;
  #nextRoundMs = 0;
  #cancelRound: (() => void) | undefined;
  #switched = false;
  #stopped = false;

  /**
   * Opens nothing yet.
   *
   * @param servers In the order of preference.
   * @throws {RangeError} When there is none.
   */
  constructor(
    servers: readonly UpstreamServer[],
    options: ServerGroupOptions,
    dependencies: Dependencies,
  ) {
    this.#world = withDefaults(dependencies);
    this.#options = given(options);
    this.#pool = { ...this.#policies(), selected: undefined };
    this.#servers = this.#made(servers);
    this.#planRound();
  }

  /** The status of the servers, in the order of the configuration. */
  get status(): readonly GroupServerStatus[] {
    return this.#servers.map((one) =>
      one.status(one === this.#pool.selected, one === this.#pinned)
    );
  }

  /** True if the operator has pinned or switched something since the reload. */
  get isSwitched(): boolean {
    return this.#pinned !== undefined || this.#switched;
  }

  /**
   * Replaces servers and options; open streams and flows are not touched. What
   * is known of a server that stays is kept, what the operator has switched is
   * forgotten.
   *
   * @param servers In the order of preference.
   * @param options Default: those there are.
   * @throws {RangeError} When there is no server; nothing has changed then.
   */
  replace(
    servers: readonly UpstreamServer[],
    options: ServerGroupOptions = this.#options,
  ): void {
    const before = this.#servers;
    const next = given(options);
    const samePolicy = JSON.stringify(next) === JSON.stringify(this.#options);
    if (servers.length === 0) throw noServer();
    if (!samePolicy) this.#options = next;
    this.#servers = this.#made(servers, samePolicy ? before : []);
    for (const one of before) if (!this.#servers.includes(one)) one.stop();
    if (!samePolicy) this.#planRound();
    this.#pinned = undefined;
    this.#switched = false;
    const { selected } = this.#pool;
    if (!this.#servers.includes(selected!)) this.#pool.selected = undefined;
  }

  /**
   * Adds a server behind the others; what was pinned or switched stays.
   *
   * @returns Its name, which is no other's.
   */
  add(server: UpstreamServer): string {
    const named = this.#servers.map(({ name, server: { endpoint } }) => ({
      name,
      endpoint,
    }));
    const name = uniqueNames([...named, server]).at(-1)!;
    this.#take([...this.#servers, this.#serverOf(server, name)]);
    return name;
  }

  /**
   * Lets a server serve nothing new; open connections stay.
   *
   * @throws {RangeError} When there is no such server, or no other.
   */
  remove(name: string): void {
    const server = this.#find(name);
    if (this.#servers.length === 1) throw noServer();
    this.#take(this.#servers.filter((one) => one !== server));
    server.stop();
    if (this.#pinned === server) this.#pinned = undefined;
    if (this.#pool.selected === server) this.#pool.selected = undefined;
  }

  /**
   * Opens a stream by a server that works, or else by the next that can.
   *
   * @throws {UmbraError} What the last of them failed with.
   */
  open(
    target: Address,
    first: Uint8Array,
    signal: StopSignal,
  ): Promise<Channel> {
    return this.#open(this.#pool, target, first, signal);
  }

  /** Datagrams take a server when their flow begins, and keep it. */
  packets(target: Address): PacketChannel {
    return this.#packets(this.#pool, target);
  }

  /**
   * Some of the servers as a way of their own: it chooses among them by the
   * policy of the group, and what is known of a server is known to both.
   *
   * A server whose weight is 0 serves where no other of them does, so that it
   * can be kept for a route.
   *
   * @param name Tells it from other parts.
   * @param members Names of servers; one that is not there is left out.
   */
  part(name: string, members: readonly string[]): Outbound {
    const pool = { members, ...this.#policies(), selected: undefined };
    return {
      name: `servers ${name}`,
      open: (target, first, signal) => this.#open(pool, target, first, signal),
      packets: (target) => this.#packets(pool, target),
    };
  }

  /**
   * Sends everything through one server, however it is.
   *
   * @param name Not set: as the policy says again.
   * @throws {RangeError} When there is no such server.
   */
  pin(name: string | undefined): void {
    this.#pinned = name === undefined ? undefined : this.#find(name);
  }

  /**
   * Switches a server until the next reload.
   *
   * @throws {RangeError} When there is no such server.
   */
  change(name: string, change: ServerSwitches): void {
    const server = this.#find(name);
    this.#switched = true;
    server.disabled = change.disabled ?? server.disabled;
    server.tcpWeight = change.tcpWeight ?? server.tcpWeight;
    server.udpWeight = change.udpWeight ?? server.udpWeight;
  }

  /**
   * Asks a server for a sign of life.
   *
   * @returns True if there was one.
   * @throws {RangeError} When there is no such server.
   */
  async probe(name: string): Promise<boolean> {
    return await this.#find(name).probe();
  }

  /** Watches and probes no more; open connections stay. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#cancelRound?.();
    for (const one of this.#servers) one.stop();
  }

  #made(
    servers: readonly UpstreamServer[],
    before: readonly GroupServer[] = [],
  ): GroupServer[] {
    if (servers.length === 0) throw noServer();
    const names = uniqueNames(servers);
    const made = servers.map((server, i) => {
      const name = names[i]!;
      const known = before.find((one) =>
        one.name === name && sameServer(one.server, server)
      );
      return known ?? this.#serverOf(server, name);
    });
    for (const [i, one] of made.entries()) {
      const { tcpWeight = 1, udpWeight = 1 } = servers[i]!;
      Object.assign(one, { tcpWeight, udpWeight, disabled: false });
      one.hasOthers = made.length > 1;
    }
    return made;
  }

  #take(servers: readonly GroupServer[]): void {
    this.#servers = servers;
    for (const one of servers) one.hasOthers = servers.length > 1;
  }

  #serverOf(server: UpstreamServer, name: string): GroupServer {
    return new GroupServer(server, {
      ...this.#options,
      name,
      random: () => this.#random(),
      mayProbe: () => this.#probing < MAX_PROBES,
      changed: (one, before, silentMs) => this.#changed(one, before, silentMs),
    }, this.#world);
  }

  get #probing(): number {
    return this.#servers.filter(({ isProbing }) => isProbing).length;
  }

  #find(name: string): GroupServer {
    const found = this.#servers.find((one) => one.name === name);
    if (found === undefined) throw new RangeError(`There is no server ${name}`);
    return found;
  }

  /** Not an async function: one less step for every connection. */
  #open(
    pool: Pool,
    target: Address,
    first: Uint8Array,
    signal: StopSignal,
  ): Promise<Channel> {
    this.#renew(pool);
    this.#roundWhenDue();
    const pinned = this.#pinnedOf(pool);
    if (pinned !== undefined) return openPinned(pinned, target, first, signal);
    const able = this.#able(pool, isForStreams);
    const [one] = able;
    if (one === undefined) return Promise.reject(noneLeft("TCP", pool));
    const stream = { target, first };
    if (!one.hasOthers) return this.#openBy(one, pool, stream, signal);
    const ways = this.#ways(pool, this.#inTurn(pool, able, target), stream);
    return firstToOpen(ways, this.#world.clock, signal);
  }

  #packets(pool: Pool, target: Address): PacketChannel {
    this.#renew(pool);
    const server = this.#forDatagrams(pool, target);
    const beganMs = this.#world.clock.monotonicMs();
    server.udp.tried(beganMs);
    return server.packets(() => this.#shouldMove(pool, server, beganMs));
  }

  #pinnedOf(pool: Pool): GroupServer | undefined {
    const pinned = this.#pinned;
    return pinned !== undefined && isIn(pool, pinned) ? pinned : undefined;
  }

  /** Those that may serve; of a part, servers without weight if need be. */
  #able(
    pool: Pool,
    isAble: (one: GroupServer) => boolean,
  ): GroupServer[] {
    const members = this.#servers.filter((one) => isIn(pool, one));
    const able = members.filter(isAble);
    return able.length > 0 || pool.members === undefined
      ? able
      : members.filter(({ disabled }) => !disabled);
  }

  /** Servers for a stream, the best first; each is chosen when it is asked for. */
  *#inTurn(
    { policy }: Pool,
    able: readonly GroupServer[],
    target: Address,
  ): Generator<GroupServer> {
    const left = [...able];
    while (left.length > 0) {
      const nowMs = this.#world.clock.monotonicMs();
      const working = left.filter(({ health }) =>
        health.state === "up" || health.isDue(nowMs) && !this.#mayAsk
      );
      const suspect = left.filter(({ health }) => health.state === "suspect");
      const ready = working.filter(({ isReady }) => isReady);
      const one = working.length > 0
        ? policy.pick(ready.length > 0 ? ready : working, target, nowMs)
        : heaviest(suspect.length > 0 ? suspect : left);
      left.splice(left.indexOf(one), 1);
      yield one;
    }
  }

  *#ways(
    pool: Pool,
    servers: Iterable<GroupServer>,
    stream: Stream,
  ): Generator<Way> {
    for (const one of servers) {
      const mayRace = this.#options.policy !== "latency" ||
        one.health.state !== "up";
      yield {
        patienceMs: mayRace ? one.patienceMs : Infinity,
        open: (signal) => this.#openBy(one, pool, stream, signal),
        lost: () => one.lost(),
      };
    }
  }

  #openBy(
    one: GroupServer,
    pool: Pool,
    { target, first }: Stream,
    signal: StopSignal,
  ): Promise<Channel> {
    return one.open(target, first, signal).then((channel) => {
      if (!signal.aborted) this.#select(pool, one);
      return channel;
    });
  }

  /** True if probes tell when a server that is down works again. */
  get #mayAsk(): boolean {
    return this.#options.probe !== "never";
  }

  #select(pool: Pool, next: GroupServer): void {
    const before = pool.selected;
    pool.selected = next;
    if (before === undefined || before === next) return;
    if (!pool.policy.keepsServer) return;
    next.switchedTo(this.#reasonToLeave(before));
  }

  #reasonToLeave({ health, disabled }: GroupServer): SwitchReason {
    if (disabled) return "pinned";
    if (health.state !== "up") return health.state;
    return this.#options.policy === "latency" ? "latency" : "recovered";
  }

  #forDatagrams(pool: Pool, target: Address): GroupServer {
    const pinned = this.#pinnedOf(pool);
    if (pinned !== undefined) return pinned;
    const nowMs = this.#world.clock.monotonicMs();
    const able = this.#able(pool, isForDatagrams);
    if (able.length === 0) throw noneLeft("UDP", pool);
    const working = able.filter((one) => isUsable(one, nowMs));
    const candidates = working.length > 0 ? working : able;
    const { selected: followed, udpPolicy } = pool;
    if (udpPolicy === undefined) {
      return followed !== undefined && candidates.includes(followed)
        ? followed
        : heaviest(candidates.map(byUdpWeight)).one;
    }
    return udpPolicy.pick(candidates.map(byUdpWeight), target, nowMs).one;
  }

  /** True if flows of a server should move: it is lost, and another is not. */
  #shouldMove(pool: Pool, server: GroupServer, beganMs: number): boolean {
    const nowMs = this.#world.clock.monotonicMs();
    const pinned = this.#pinnedOf(pool);
    if (pinned !== undefined) return pinned !== server;
    // One that is no longer configured serves its flows to their end.
    if (!this.#servers.includes(server)) return false;
    const isLost = server.health.state === "down" ||
      server.udp.isLost(beganMs, nowMs);
    return isLost &&
      this.#able(pool, isForDatagrams)
        .some((one) => one !== server && isUsable(one, nowMs));
  }

  #changed(server: GroupServer, before: HealthState, silentMs: number): void {
    const { name, health } = server;
    const { state } = health;
    if (state === "down" && this.#servers.every(isDown)) {
      const nowMs = this.#world.clock.monotonicMs();
      for (const one of this.#servers) one.resetWait(nowMs);
    }
    if (!server.hasOthers || !this.#servers.includes(server)) return;
    const { logger } = this.#world;
    if (state === "up" && before === "down") {
      logger.log("info", `server ${name} answers again`);
    } else if (state === "down") {
      const other = this.#servers.find((one) =>
        isForStreams(one) && !isDown(one)
      );
      const what = silentMs > 0
        ? `is silent for ${
          Math.round((SERVER_SILENCE_MS + silentMs) / 1_000)
        } s`
        : "cannot be reached";
      logger.log(
        "warn",
        `server ${name} ${what}: ` +
          (other ? `using ${other.name}` : "there is no other that works"),
        { code: health.lastErrorCode },
      );
    }
  }

  /** Probes all servers, where the policy compares them and they are in use. */
  #roundWhenDue(): void {
    const { policy, probe } = this.#options;
    const nowMs = this.#world.clock.monotonicMs();
    const isWanted = probe === "auto" && policy === "latency" &&
      this.#servers.length > 1 && !this.#stopped;
    if (!isWanted || nowMs < this.#nextRoundMs) return;
    this.#nextRoundMs = nowMs + this.#interval();
    detach(this.#round(), "probes", this.#world);
  }

  /** Probes all servers at every interval, in use or not. */
  #planRound(): void {
    this.#cancelRound?.();
    this.#cancelRound = undefined;
    if (this.#options.probe !== "always") return;
    this.#cancelRound = this.#world.clock.schedule(() => {
      this.#planRound();
      detach(this.#round(), "probes", this.#world);
    }, this.#interval());
  }

  /** One probe for each host: its ports are equally far away. */
  async #round(): Promise<void> {
    const hosts = new Map<string, GroupServer[]>();
    for (const one of this.#servers) {
      if (!isForStreams(one) || one.health.state !== "up") continue;
      const { host } = one.server.endpoint;
      hosts.set(host, [...hosts.get(host) ?? [], one]);
    }
    const waiting = [...hosts.values()];
    const probeOne = async (): Promise<void> => {
      for (let next; (next = waiting.shift());) {
        const [asked, ...siblings] = next;
        if (!await asked!.probe()) continue;
        const nowMs = this.#world.clock.monotonicMs();
        const usualMs = asked!.probes.value!;
        for (const one of siblings) one.probes.add(usualMs, nowMs);
      }
    };
    await Promise.all(Array.from({ length: MAX_PROBES }, probeOne));
  }

  #interval(): number {
    const spread = 1 + PROBE_JITTER * (2 * this.#random() - 1);
    return this.#options.probeIntervalMs * spread;
  }

  #make(name: PolicyName): Policy {
    return makePolicy(name, { ...this.#options, random: () => this.#random() });
  }

  /** Gives a pool other policies, where the options are other ones. */
  #renew(pool: Pool): void {
    if (pool.options !== this.#options) Object.assign(pool, this.#policies());
  }

  #policies(): Pick<Pool, "options" | "policy" | "udpPolicy"> {
    const { policy, udpPolicy } = this.#options;
    return {
      options: this.#options,
      policy: this.#make(policy),
      udpPolicy: udpPolicy === "follow" ? undefined : this.#make(udpPolicy),
    };
  }

  #random(): number {
    return new DataView(this.#world.randomBytes(4).buffer).getUint32(0) /
      2 ** 32;
  }
}

async function openPinned(
  server: GroupServer,
  target: Address,
  first: Uint8Array,
  signal: StopSignal,
): Promise<Channel> {
  try {
    return await server.open(target, first, signal);
  } catch (error) {
    if (!(error instanceof TransportError) || signal.aborted) throw error;
    throw new TransportError(
      error.code,
      `pinned server ${server.name} cannot be reached`,
      { cause: error },
    );
  }
}

/** The server with its weight for datagrams. */
function byUdpWeight(
  one: GroupServer,
): Candidate & { readonly one: GroupServer } {
  const { name, udpWeight: weight, connects, probes, outcomes } = one;
  return { one, name, weight, connects, probes, outcomes };
}

function isForStreams({ disabled, tcpWeight }: GroupServer): boolean {
  return !disabled && tcpWeight > 0;
}

function isForDatagrams({ disabled, udpWeight }: GroupServer): boolean {
  return !disabled && udpWeight > 0;
}

function isUsable({ health, udp }: GroupServer, nowMs: number): boolean {
  return health.state !== "down" && udp.isUsable(nowMs);
}

function isDown({ health }: GroupServer): boolean {
  return health.state === "down";
}

/**
 * What a group calls its servers: their names, or else the addresses; the
 * second of a name has a number.
 */
export function uniqueNames(
  servers: readonly Pick<UpstreamServer, "name" | "endpoint">[],
): string[] {
  const names: string[] = [];
  for (const { name, endpoint } of servers) {
    const wanted = name ?? formatAddress(endpoint);
    let unique = wanted;
    for (let i = 2; names.includes(unique); i++) unique = `${wanted} (${i})`;
    names.push(unique);
  }
  return names;
}

function given(options: ServerGroupOptions): Given {
  return {
    ...GROUP_DEFAULTS,
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
    ...options,
  };
}

function isIn({ members }: Pool, { name }: GroupServer): boolean {
  return members === undefined || members.includes(name);
}

function noneLeft(what: "TCP" | "UDP", { members }: Pool): TransportError {
  const which = members === undefined
    ? "Every server"
    : `Each of ${members.join(", ")}`;
  return new TransportError(
    "ERR_NET_UNREACHABLE",
    `${which} is disabled or has weight 0 for ${what}`,
  );
}

function noServer(): RangeError {
  return new RangeError("Cannot use servers: there is none");
}
