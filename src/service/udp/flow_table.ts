/**
 * One outbound socket for each UDP client: bounded, the quietest flow makes
 * room for a new one, and silence ends a flow.
 *
 * A flow's socket takes datagrams from everybody (full cone, RFC 4787 §5).
 *
 * @module
 */
import { detach } from "../../defect.ts";
import { PolicyError, TransportError } from "../../errors.ts";
import {
  MAX_DELIVERIES_PER_FLOW,
  MAX_PENDING_DATAGRAMS,
  MAX_PENDING_PER_FLOW,
} from "../../limits.ts";
import type { FlowEnd } from "../../observe.ts";
import type { Datagram, DatagramSocket, Endpoint } from "../../transport.ts";
import type { Dependencies } from "../service.ts";
import type { UdpReport } from "./udp_report.ts";
import { IdleTimer } from "../../idle_timer.ts";

/** One client's flow; `T` is what its owner keeps with it. */
export interface UdpFlow<T> {
  /** Names the client. */
  readonly key: string;
  /** The owner's. */
  readonly data: T;
  /** Aborted when the flow ends. */
  readonly signal: AbortSignal;
}

/** How flows live and what they do. */
export interface FlowTableOptions<T> {
  /** Flows at once, 1 or more. */
  readonly maxFlows: number;
  /** Milliseconds without a datagram. */
  readonly idleTimeoutMs: number;
  /** Opens the socket of a flow; default: one of the transport. */
  bind?(data: T): Promise<DatagramSocket>;
  /** A datagram reached the flow's socket. Its errors are the flow's end. */
  onDatagram(flow: UdpFlow<T>, datagram: Datagram): Promise<void>;
  /** A flow has begun, and none has made room for it yet. */
  onBegin?(flow: UdpFlow<T>): void;
  /** A flow has ended. */
  onEnd(flow: UdpFlow<T>): void;
}

/** The flows of one service. */
export class FlowTable<T> {
  /** Milliseconds without a datagram; a change is for the next time of quiet. */
  idleTimeoutMs: number;
  readonly #options: FlowTableOptions<T>;
  readonly #world: Required<Dependencies>;
  readonly #report: UdpReport;
  /** In the order of their last datagrams, the quietest first. */
  readonly #flows = new Map<string, OpenFlow<T>>();
  #pending = 0;
  #overflown = 0;

  /** @param report Counts what happens here. */
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

  /** Datagrams that flows of the past lost in their receive queues. */
  get overflown(): number {
    return this.#overflown;
  }

  /** The flow of this client, which is now heard of. */
  get(key: string): UdpFlow<T> | undefined {
    const known = this.#flows.get(key);
    if (known !== undefined) this.#touch(known);
    return known;
  }

  /** The one of these flows that was quiet for longest. */
  quietest(which: (flow: UdpFlow<T>) => boolean): UdpFlow<T> | undefined {
    for (const flow of this.#flows.values()) if (which(flow)) return flow;
    return undefined;
  }

  /** The flow of this client; made when there is none. */
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
    detach(this.#receiveAll(flow), "UDP flow", this.#world);
    return flow;
  }

  /**
   * Sends through a flow's socket, to the first address that takes it.
   *
   * @param route Where to; awaited.
   * @returns Settles once sent.
   * @throws {UmbraError} The datagram is dropped for this reason.
   */
  async send(
    flow: UdpFlow<T>,
    payload: Uint8Array,
    route: () => readonly Endpoint[] | Promise<readonly Endpoint[]>,
  ): Promise<void> {
    const open = flow as OpenFlow<T>;
    if (
      open.pending >= MAX_PENDING_PER_FLOW ||
      this.#pending >= MAX_PENDING_DATAGRAMS
    ) {
      throw new PolicyError(
        "ERR_POLICY_LIMIT",
        "Too many datagrams wait to be sent",
      );
    }
    open.pending++;
    this.#pending++;
    try {
      const [socket, targets] = await Promise.all([open.socket, route()]);
      await sendToFirst(socket, payload, targets, flow.signal);
    } finally {
      open.pending--;
      this.#pending--;
    }
  }

  /** Ends a flow. Idempotent. */
  close(flow: UdpFlow<T>): void {
    this.#end(flow as OpenFlow<T>, "ended");
  }

  /** Ends the flows of which this is true; all by default. */
  end(which: (flow: UdpFlow<T>) => boolean = () => true): void {
    for (const flow of this.#flows.values()) {
      if (which(flow)) this.#end(flow, "ended");
    }
  }

  async #receiveAll(flow: OpenFlow<T>): Promise<void> {
    try {
      const socket = await flow.socket;
      if (flow.signal.aborted) {
        socket.close();
        return;
      }
      // What cannot be sent together would lose its order.
      const atOnce = this.#world.transport.capabilities.batch
        ? MAX_DELIVERIES_PER_FLOW
        : 1;
      flow.close = () => {
        this.#overflown += socket.dropped;
        socket.close();
      };
      for (;;) {
        const datagram = await socket.receive();
        // The flow may have ended just after something came.
        if (datagram === undefined || flow.signal.aborted) return;
        this.#touch(flow);
        const delivered = this.#deliver(flow, datagram);
        if (flow.delivering >= atOnce) await delivered;
      }
    } catch (error) {
      this.#fail(flow, error);
    }
  }

  /** Never rejects. */
  async #deliver(flow: OpenFlow<T>, datagram: Datagram): Promise<void> {
    flow.delivering++;
    try {
      await this.#options.onDatagram(flow, datagram);
    } catch (error) {
      this.#fail(flow, error);
    } finally {
      flow.delivering--;
    }
  }

  #fail(flow: OpenFlow<T>, error: unknown): void {
    if (flow.signal.aborted) return;
    this.#report.flowFailed(error);
    this.#end(flow, "failed");
  }

  /** It is now the one heard of last. */
  #touch(flow: OpenFlow<T>): void {
    if (this.#flows.get(flow.key) !== flow) return;
    flow.timer?.touch();
    this.#flows.delete(flow.key);
    this.#flows.set(flow.key, flow);
  }

  #end(flow: OpenFlow<T>, reason: FlowEnd): void {
    if (this.#flows.get(flow.key) !== flow) return;
    this.#flows.delete(flow.key);
    flow.end();
    this.#report.flowClosed(reason, this.#options.maxFlows);
    this.#options.onEnd(flow);
  }
}

class OpenFlow<T> implements UdpFlow<T> {
  readonly key: string;
  readonly data: T;
  readonly socket: Promise<DatagramSocket>;
  /** Datagrams on their way out. */
  pending = 0;
  /** Datagrams on their way in. */
  delivering = 0;
  /** Closes the socket, once it is open. */
  close: () => void = () => {};
  timer: IdleTimer | undefined;
  readonly #ended = new AbortController();

  constructor(key: string, data: T, socket: Promise<DatagramSocket>) {
    this.key = key;
    this.data = data;
    this.socket = socket;
  }

  get signal(): AbortSignal {
    return this.#ended.signal;
  }

  end(): void {
    this.timer?.stop();
    this.#ended.abort(
      new TransportError("ERR_NET_CLOSED", "The UDP flow has ended"),
    );
    this.close();
  }
}

async function sendToFirst(
  socket: DatagramSocket,
  payload: Uint8Array,
  targets: readonly Endpoint[],
  signal: AbortSignal,
): Promise<void> {
  for (const [i, target] of targets.entries()) {
    try {
      return await socket.send(payload, target, { signal });
    } catch (error) {
      const unreachable = error instanceof TransportError &&
        error.code === "ERR_NET_UNREACHABLE";
      if (!unreachable || i === targets.length - 1) throw error;
    }
  }
}
