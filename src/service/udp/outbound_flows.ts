/**
 * Sends the datagrams of clients to their targets, with one socket for each
 * client on each outbound.
 *
 * @module
 */
import { type Address, formatAddress } from "../../codec/address.ts";
import type { Packet } from "../../codec/packet.ts";
import { tellDefect } from "../../defect.ts";
import { PolicyError } from "../../errors.ts";
import { MAX_DIAL_ADDRESSES } from "../../limits.ts";
import {
  explainRefusal,
  type TargetPolicy,
} from "../../security/target_policy.ts";
import type { Direction } from "../../streams/channel.ts";
import type { Datagram, Endpoint, Posted } from "../../transport.ts";
import type { PacketChannel, Router } from "../outbound/outbound.ts";
import type { TargetNames } from "../routing/target_names.ts";
import type { Dependencies } from "../service.ts";
import { FlowTable, type UdpFlow } from "./flow_table.ts";
import { NameCache } from "./name_cache.ts";
import type { UdpReport } from "./udp_report.ts";

/** The client of a flow. */
export interface FlowOwner {
  /** Identifies the client. */
  readonly key: string;
  /** The address that the client sends from, and that answers go to. */
  readonly endpoint: Endpoint;
  /** The user that authenticated, where users have names. */
  readonly user?: string | undefined;
  /** The client's open flows, which the table keeps up to date, if set. */
  readonly flows?: Set<UdpFlow<unknown>>;
}

/** Returns the owner for a client that is identified by its address. */
export function clientAt(endpoint: Endpoint): FlowOwner {
  return { key: formatAddress(endpoint), endpoint };
}

/** The options of outbound flows. */
export interface OutboundFlowsOptions<O extends FlowOwner> {
  /** Chooses the way of each datagram. */
  readonly router: Router;
  /** Name of the inbound protocol of the datagrams. */
  readonly inbound: string;
  /** The names of addresses; default: none are known. */
  readonly names?: TargetNames | undefined;
  /** Flows at once, 1 or more. */
  readonly maxFlows: number;
  /** Milliseconds without a datagram until a flow ends. */
  readonly idleTimeoutMs: number;
  /**
   * Delivers a datagram of a target to a client.
   *
   * @param packet Its address is the true source. If the client sends to a
   * made-up address, it is that address, with the true port.
   * @param posted Called with the result, unless this throws.
   * @throws {UmbraError} The reason for which the datagram is dropped.
   */
  deliver(owner: O, packet: Packet, posted: Posted): void;
  /** Called when a flow has ended; default: not called. */
  ended?(owner: O): void;
}

/** One client on one outbound. */
interface Way<O> {
  readonly owner: O;
  readonly channel: PacketChannel;
  /** The made-up address, for a flow to its name. */
  readonly madeUp: string | undefined;
  /**
   * The target of the last datagram, if it was an IP address: usually the next
   * one has the same.
   */
  last: { readonly to: Address; readonly targets: Endpoint[] } | undefined;
}

/** The flows of one inbound. */
export class OutboundFlows<O extends FlowOwner> {
  readonly #options: OutboundFlowsOptions<O>;
  readonly #flows: FlowTable<Way<O>>;
  readonly #names: NameCache;
  readonly #world: Required<Dependencies>;
  readonly #report: UdpReport;

  /** @param report Counts datagrams and flows. */
  constructor(
    options: OutboundFlowsOptions<O>,
    world: Required<Dependencies>,
    report: UdpReport,
  ) {
    this.#options = options;
    this.#report = report;
    this.#names = new NameCache(world);
    this.#world = world;
    this.#flows = new FlowTable(
      {
        maxFlows: options.maxFlows,
        idleTimeoutMs: options.idleTimeoutMs,
        bind: ({ channel }) =>
          channel.bind?.() ?? world.transport.bindOutgoing(),
        onDatagram: (flow, datagram) => this.#deliver(flow, datagram),
        onBegin: (flow) => flow.data.owner.flows?.add(flow),
        onEnd: (flow) => {
          const { owner, channel } = flow.data;
          channel.free();
          owner.flows?.delete(flow);
          options.ended?.(owner);
        },
      },
      world,
      report,
    );
  }

  /** Datagrams that ended flows lost in their receive queues. */
  get overflown(): number {
    return this.#flows.overflown;
  }

  /**
   * @param timeoutMs Milliseconds without a datagram; applies from the next
   * wait on.
   */
  setIdleTimeout(timeoutMs: number): void {
    this.#flows.idleTimeoutMs = timeoutMs;
  }

  /** Sends a client's datagram. A failure is counted, not thrown. */
  send(owner: O, packet: Packet): void {
    let posted: Posted = (error) => this.#told(owner, "up", 0, error);
    try {
      const { names } = this.#options;
      const address = names?.meant(packet.address) ?? packet.address;
      const isMadeUp = address !== packet.address;
      const madeUp = isMadeUp ? packet.address.host : undefined;
      const flow = this.#open(owner, address, madeUp);
      const { channel } = flow.data;
      const { to, bytes } = channel.seal(
        isMadeUp ? { ...packet, address } : packet,
      );
      posted = this.#posting(flow, "up", packet.payload.length);
      // A socket of the channel's own ignores addresses.
      const targets = channel.bind === undefined
        ? this.#targets(flow.data, to, to === address)
        : [to];
      this.#flows.post(flow, bytes, targets, posted);
    } catch (error) {
      posted(error);
    }
  }

  /** Returns the client that was quiet for longest among those selected. */
  quietest(which: (owner: O) => boolean): O | undefined {
    return this.#flows.quietest(({ data }) => which(data.owner))?.data.owner;
  }

  /** Ends the flows of a client that has a set of them. */
  endOf({ flows = new Set() }: O): void {
    for (const flow of flows) this.#flows.close(flow as UdpFlow<Way<O>>);
  }

  /** Ends the flows of the selected clients; all by default. */
  end(which: (owner: O) => boolean = () => true): void {
    this.#flows.end(({ data }) => which(data.owner));
  }

  /**
   * Opens a flow. A made-up address has a flow of its own, so that answers can
   * be assigned to it.
   */
  #open(
    owner: O,
    target: Address,
    madeUp: string | undefined,
  ): UdpFlow<Way<O>> {
    const { router, inbound } = this.#options;
    const { user, endpoint: { host: source } } = owner;
    const outbound = router.choose({
      target,
      user,
      source,
      inbound,
      network: "udp",
    });
    const key = `${owner.key} ${outbound.name}`;
    const open = (): UdpFlow<Way<O>> =>
      this.#flows.open(
        madeUp === undefined ? key : `${key} for ${madeUp}`,
        () => ({
          owner,
          channel: outbound.packets(target),
          madeUp,
          last: undefined,
        }),
      );
    const flow = open();
    if (flow.data.channel.isLost !== true) return flow;
    this.#flows.close(flow);
    return open();
  }

  /** Returns the addresses to send to, without a promise if they are known. */
  #targets(
    way: Way<O>,
    to: Address,
    isTarget: boolean,
  ): Endpoint[] | Promise<Endpoint[]> {
    const { last, channel: { policy } } = way;
    if (last?.to.host === to.host && last.to.port === to.port) {
      return last.targets;
    }
    const ips = this.#names.find(
      to.host,
      () => this.#world.metrics.lookedUp(isTarget ? "direct" : "server"),
    );
    if (ips instanceof Promise) {
      return ips.then((found) => allowed(to, found, policy));
    }
    const targets = allowed(to, ips, policy);
    // The addresses of a name may change, so they are not kept here.
    if (ips[0] === to.host) way.last = { to, targets };
    return targets;
  }

  #deliver(flow: UdpFlow<Way<O>>, datagram: Datagram): void {
    const { owner, channel, madeUp: host } = flow.data;
    let posted: Posted = (error) => this.#told(owner, "down", 0, error);
    try {
      const opened = channel.open(datagram);
      const packet = host === undefined
        ? opened
        : { ...opened, address: { ...opened.address, host } };
      posted = this.#posting(flow, "down", packet.payload.length);
      this.#options.deliver(owner, packet, posted);
    } catch (error) {
      posted(error);
    }
  }

  /**
   * Counts a waiting datagram, and returns the callback for its result.
   *
   * @throws {PolicyError} If too many are waiting.
   */
  #posting(
    flow: UdpFlow<Way<O>>,
    direction: Direction,
    bytes: number,
  ): Posted {
    this.#flows.hold(flow, direction);
    return (error) => {
      this.#flows.release(flow, direction);
      this.#told(flow.data.owner, direction, bytes, error);
    };
  }

  /**
   * Reports a result. It never throws, since callers that post a datagram do
   * not expect it.
   */
  #told(
    { endpoint: { host } }: O,
    direction: Direction,
    bytes: number,
    error: unknown,
  ): void {
    try {
      try {
        if (error !== undefined) throw error;
        this.#report.relayed(direction, bytes);
      } catch (reason) {
        this.#report.dropped(reason, host, direction);
      }
    } catch (defect) {
      tellDefect(defect, "datagram", this.#world);
    }
  }
}

/** @throws {PolicyError} If the policy forbids all addresses. */
function allowed(
  { host, port }: Address,
  ips: readonly string[],
  policy: TargetPolicy,
): Endpoint[] {
  const allowed = ips.filter((ip) => policy(ip) === undefined);
  if (allowed.length === 0) {
    throw new PolicyError(
      "ERR_POLICY_TARGET",
      `Cannot send to ${host}: ${explainRefusal(ips[0], policy)}`,
    );
  }
  return allowed.slice(0, MAX_DIAL_ADDRESSES).map((ip) => ({ host: ip, port }));
}
