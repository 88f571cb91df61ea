/**
 * Several servers as one outbound. Each connection uses a server that works,
 * chosen by the policy, and the next one if that fails or is slow. UDP flows
 * keep their server while it works.
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

/** Changes of a server by the operator, until the next reload. */
export interface ServerSwitches {
  /** True to disable the server. */
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

/** The servers that an outbound chooses from, and its policies. */
interface Pool {
  /** Names of the members; not set for all servers of the group. */
  readonly members?: readonly string[];
  /** The options that the policies were made with. */
  options: Given;
  policy: Policy;
  /** The policy for UDP; if not set, datagrams follow streams. */
  udpPolicy: Policy | undefined;
  /** The server of the last stream. */
  selected: GroupServer | undefined;
}

/** A stream to open. */
interface Stream {
  readonly target: Address;
  /** See `Outbound.open`. */
  readonly first: Uint8Array;
}

/** Several servers as one outbound. */
export class ServerGroup implements Outbound {
  /** See {@link Outbound.name}. */
  readonly name = "servers";
  readonly #world: Required<Dependencies>;
  #options: Given;
  /** The pool of all servers. */
  readonly #pool: Pool;
  #servers: readonly GroupServer[] = [];
  #pinned: GroupServer | undefined;
  #nextRoundMs = 0;
  #cancelRound: (() => void) | undefined;
  readonly #leaveNetwork: () => void;
  #switched = false;
  #stopped = false;

  /**
   * Makes a group, which connects when it is used.
   *
   * @param servers In the order of preference.
   * @throws {RangeError} If there is none.
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
    this.#leaveNetwork = this.#world.networkChanges.onChange(
      () => this.#networkChanged(),
    );
  }

  /** The status of the servers, in the order of the configuration. */
  get status(): readonly GroupServerStatus[] {
    return this.#servers.map((one) =>
      one.status(one === this.#pool.selected, one === this.#pinned)
    );
  }

  /**
   * True if the operator has pinned or changed a server since the last reload.
   */
  get isSwitched(): boolean {
    return this.#pinned !== undefined || this.#switched;
  }

  /**
   * Replaces servers and options; open streams and flows stay. The health of a
   * server that is kept stays as well; changes by the operator are undone.
   *
   * @param servers In the order of preference.
   * @param options Default: the present options.
   * @throws {RangeError} If there is no server; nothing has changed then.
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
   * Adds a server after the others; changes by the operator stay.
   *
   * @returns Its name, which is unique.
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
   * Removes a server; its open connections stay.
   *
   * @throws {RangeError} If there is no such server, or no other.
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
   * Opens a stream through a server that works, or through the next one.
   *
   * @throws {UmbraError} The error of the last server.
   */
  open(
    target: Address,
    first: Uint8Array,
    signal: StopSignal,
  ): Promise<Channel> {
    return this.#open(this.#pool, target, first, signal);
  }

  /** Chooses a server when a flow begins; the flow keeps it. */
  packets(target: Address): PacketChannel {
    return this.#packets(this.#pool, target);
  }

  /**
   * Makes an outbound for some of the servers. It chooses by the policy of the
   * group, and shares the health of servers with it.
   *
   * A server with weight 0 is used if no other member works, so that it can be
   * reserved for a route.
   *
   * @param name Distinguishes it from other parts.
   * @param members Names of servers; unknown ones are ignored.
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
   * Sends everything through one server, whatever its state.
   *
   * @param name If not set, the policy chooses again.
   * @throws {RangeError} If there is no such server.
   */
  pin(name: string | undefined): void {
    this.#pinned = name === undefined ? undefined : this.#find(name);
  }

  /**
   * Changes a server until the next reload.
   *
   * @throws {RangeError} If there is no such server.
   */
  change(name: string, change: ServerSwitches): void {
    const server = this.#find(name);
    this.#switched = true;
    server.disabled = change.disabled ?? server.disabled;
    server.tcpWeight = change.tcpWeight ?? server.tcpWeight;
    server.udpWeight = change.udpWeight ?? server.udpWeight;
  }

  /**
   * Probes a server.
   *
   * @returns True if it answered.
   * @throws {RangeError} If there is no such server.
   */
  async probe(name: string): Promise<boolean> {
    return await this.#find(name).probe();
  }

  /** Stops watching and probing; open connections stay. Idempotent. */
  stop(): void {
    this.#stopped = true;
    this.#leaveNetwork();
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

  /** This is not an async function, which saves a step for every connection. */
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

  /**
   * Returns the members that may be used; in a part, members with weight 0 if
   * there are no others.
   */
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

  /**
   * Yields servers for a stream, the best first; each is chosen when it is
   * needed.
   */
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

  /** True if servers that are down are probed. */
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

  /**
   * True if flows of a server should move: it does not work, and another does.
   */
  #shouldMove(pool: Pool, server: GroupServer, beganMs: number): boolean {
    const nowMs = this.#world.clock.monotonicMs();
    const pinned = this.#pinnedOf(pool);
    if (pinned !== undefined) return pinned !== server;
    // A server that was removed from the configuration keeps its flows.
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

  /** Ends every wait, because in another network each server may work. */
  #networkChanged(): void {
    const nowMs = this.#world.clock.monotonicMs();
    this.#nextRoundMs = 0;
    for (const one of this.#servers) one.endWaits(nowMs);
  }

  /**
   * Probes all servers, if the policy compares them and the group is in use.
   */
  #roundWhenDue(): void {
    const { policy, probe } = this.#options;
    const nowMs = this.#world.clock.monotonicMs();
    const isWanted = probe === "auto" && policy === "latency" &&
      this.#servers.length > 1 && !this.#stopped;
    if (!isWanted || nowMs < this.#nextRoundMs) return;
    this.#nextRoundMs = nowMs + this.#interval();
    detach(this.#round(), "probes", this.#world);
  }

  /** Probes all servers at every interval. */
  #planRound(): void {
    this.#cancelRound?.();
    this.#cancelRound = undefined;
    if (this.#options.probe !== "always") return;
    this.#cancelRound = this.#world.clock.schedule(() => {
      this.#planRound();
      detach(this.#round(), "probes", this.#world);
    }, this.#interval());
  }

  /** Probes each host once: all its ports have the same latency. */
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

  /** Makes new policies for a pool if the options have changed. */
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

/** Returns the server as a candidate with its weight for UDP. */
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
 * Returns names for servers: their own, or their addresses. A repeated name
 * gets a number.
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
  return new RangeError("Cannot use servers: the list is empty");
}
