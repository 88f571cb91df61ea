/**
 * One outbound socket for each UDP client. The table is bounded: the quietest
 * flow is closed for a new one, and an idle flow ends.
 *
 * A flow's socket accepts datagrams from any host (full cone, RFC 4787 §5).
 *
 * @module
 */
import { PolicyError, TransportError } from "../../errors.ts";
import { MAX_PENDING_DATAGRAMS, MAX_PENDING_PER_FLOW } from "../../limits.ts";
import type { FlowEnd } from "../../observe.ts";
import type {
  Datagram,
  DatagramSocket,
  Endpoint,
  Posted,
} from "../../transport.ts";
import type { Dependencies } from "../service.ts";
import type { UdpReport } from "./udp_report.ts";
import { IdleTimer } from "../../idle_timer.ts";
import type { Direction } from "../../streams/channel.ts";

/** One client's flow, with the data of its owner. */
export interface UdpFlow<T> {
  /** Identifies the client. */
  readonly key: string;
  /** The data of the owner. */
  readonly data: T;
}

/** The options of a flow table. */
export interface FlowTableOptions<T> {
  /** Flows at once, 1 or more. */
  readonly maxFlows: number;
  /** Milliseconds without a datagram until a flow ends. */
  readonly idleTimeoutMs: number;
  /** Opens the socket of a flow; default: a socket of the transport. */
  bind?(data: T): Promise<DatagramSocket>;
  /** Called with a datagram that reached the flow's socket. */
  onDatagram(flow: UdpFlow<T>, datagram: Datagram): void;
  /** Called when a flow has begun, before another one is closed for it. */
  onBegin?(flow: UdpFlow<T>): void;
  /** Called when a flow has ended. */
  onEnd(flow: UdpFlow<T>): void;
}

/** The flows of one service. */
export class FlowTable<T> {
  /**
   * Milliseconds without a datagram until a flow ends; a change applies to the
   * next wait.
   */
  idleTimeoutMs: number;
  readonly #options: FlowTableOptions<T>;
  readonly #world: Required<Dependencies>;
  readonly #report: UdpReport;
  /** The flows in the order of their last datagrams, the quietest first. */
  readonly #flows = new Map<string, OpenFlow<T>>();
  /** The flow with the latest datagram. */
  #latest: OpenFlow<T> | undefined;
  /** Datagrams that wait, of all flows and in both directions. */
  #pending = 0;
  #overflown = 0;

  /** @param report Counts flows and failures. */
  constructor(
    options: FlowTableOptions<T>,
    world: Required<Dependencies>,
    report: UdpReport,
  ) {
    this.#options = options;
    this.idleTimeoutMs = options.idleTimeoutMs;
    this.#world = world;
    this.#report = report;
  }

  /** Datagrams that ended flows lost in their receive queues. */
  get overflown(): number {
    return this.#overflown;
  }

  /** Returns the flow of a client, and marks it as active. */
  get(key: string): UdpFlow<T> | undefined {
    const known = this.#flows.get(key);
    if (known !== undefined) this.#touch(known);
    return known;
  }

  /** Returns the flow that was quiet for longest among those selected. */
  quietest(which: (flow: UdpFlow<T>) => boolean): UdpFlow<T> | undefined {
    for (const flow of this.#flows.values()) if (which(flow)) return flow;
    return undefined;
  }

  /** Returns the flow of a client; opens one if there is none. */
  open(key: string, data: () => T): UdpFlow<T> {
    const known = this.get(key);
    if (known !== undefined) return known;
    const made = data();
    const flow = new OpenFlow(
      key,
      made,
      this.#options.bind?.(made) ?? this.#world.transport.bindOutgoing(),
    );
    this.#flows.set(key, flow);
    this.#report.flowOpened();
    this.#options.onBegin?.(flow);
    if (this.#flows.size > this.#options.maxFlows) {
      const [quietest] = this.#flows.values();
      this.#end(quietest!, "evicted");
    }
    this.#touch(flow);
    flow.timer = new IdleTimer(this.#world.clock, {
      idleTimeoutMs: () => this.idleTimeoutMs,
      onIdle: () => this.#end(flow, "idle"),
    });
    flow.opening.then(
      (socket) => this.#opened(flow, socket),
      (error) => this.#fail(flow, error),
    );
    return flow;
  }

  /**
   * Sends through a flow's socket, to the first address that works. It sends at
   * once if the socket is open and the addresses are known.
   *
   * @param targets The addresses to try.
   * @param posted Called with the result.
   */
  post(
    flow: UdpFlow<T>,
    payload: Uint8Array,
    targets: readonly Endpoint[] | Promise<readonly Endpoint[]>,
    posted: Posted,
  ): void {
    const open = flow as OpenFlow<T>;
    if (open.socket !== undefined && !(targets instanceof Promise)) {
      return postToFirst(open.socket, payload, targets, posted);
    }
    Promise.all([open.opening, targets]).then(([socket, targets]) => {
      if (open.hasEnded) posted(ended());
      else postToFirst(socket, payload, targets, posted);
    }, posted);
  }

  /**
   * Counts a waiting datagram of a flow, until {@link FlowTable.release}.
   *
   * @throws {PolicyError} If too many are waiting.
   */
  hold(flow: UdpFlow<T>, direction: Direction): void {
    const { pending } = flow as OpenFlow<T>;
    if (
      pending[direction] >= MAX_PENDING_PER_FLOW ||
      this.#pending >= MAX_PENDING_DATAGRAMS
    ) {
      throw new PolicyError(
        "ERR_POLICY_LIMIT",
        "Too many datagrams are waiting to be sent",
      );
    }
    pending[direction]++;
    this.#pending++;
  }

  /** Ends one {@link FlowTable.hold}. */
  release(flow: UdpFlow<T>, direction: Direction): void {
    (flow as OpenFlow<T>).pending[direction]--;
    this.#pending--;
  }

  /** Ends a flow. Idempotent. */
  close(flow: UdpFlow<T>): void {
    this.#end(flow as OpenFlow<T>, "ended");
  }

  /** Ends the selected flows; all by default. */
  end(which: (flow: UdpFlow<T>) => boolean = () => true): void {
    for (const flow of this.#flows.values()) {
      if (which(flow)) this.#end(flow, "ended");
    }
  }

  #opened(flow: OpenFlow<T>, socket: DatagramSocket): void {
    if (flow.hasEnded) return socket.close();
    flow.socket = socket;
    socket.handTo({
      take: (datagram) => this.#take(flow, datagram),
      fail: (error) => this.#fail(flow, error),
    });
  }

  #take(flow: OpenFlow<T>, datagram: Datagram): void {
    // The flow may have ended after the datagram arrived.
    if (flow.hasEnded) return;
    this.#touch(flow);
    this.#options.onDatagram(flow, datagram);
  }

  #fail(flow: OpenFlow<T>, error: unknown): void {
    if (flow.hasEnded) return;
    this.#report.flowFailed(error);
    this.#end(flow, "failed");
  }

  /** Marks a flow as the latest active one. */
  #touch(flow: OpenFlow<T>): void {
    if (this.#flows.get(flow.key) !== flow) return;
    flow.timer?.touch();
    if (this.#latest === flow) return;
    this.#latest = flow;
    this.#flows.delete(flow.key);
    this.#flows.set(flow.key, flow);
  }

  #end(flow: OpenFlow<T>, reason: FlowEnd): void {
    if (this.#flows.get(flow.key) !== flow) return;
    this.#flows.delete(flow.key);
    if (this.#latest === flow) this.#latest = undefined;
    this.#overflown += flow.socket?.dropped ?? 0;
    flow.end();
    this.#report.flowClosed(reason, this.#options.maxFlows);
    this.#options.onEnd(flow);
  }
}

class OpenFlow<T> implements UdpFlow<T> {
  readonly key: string;
  readonly data: T;
  readonly opening: Promise<DatagramSocket>;
  /** The socket, once it is open. */
  socket: DatagramSocket | undefined;
  /** Waiting datagrams in each direction. */
  readonly pending: Record<Direction, number> = { up: 0, down: 0 };
  hasEnded = false;
  timer: IdleTimer | undefined;

  constructor(key: string, data: T, opening: Promise<DatagramSocket>) {
    this.key = key;
    this.data = data;
    this.opening = opening;
  }

  end(): void {
    this.hasEnded = true;
    this.timer?.stop();
    this.socket?.close();
  }
}

function postToFirst(
  socket: DatagramSocket,
  payload: Uint8Array,
  [target, ...others]: readonly Endpoint[],
  posted: Posted,
): void {
  socket.post(payload, target!, (error) => {
    const unreachable = error instanceof TransportError &&
      error.code === "ERR_NET_UNREACHABLE";
    if (!unreachable || others.length === 0) posted(error);
    else postToFirst(socket, payload, others, posted);
  });
}

function ended(): TransportError {
  return new TransportError("ERR_NET_CLOSED", "The UDP flow has ended");
}
