/**
 * A resolver that is asked over TCP, TLS or HTTPS. Connections are reused.
 *
 * @module
 */
import { NOTHING } from "../../bytes.ts";
import type { StopSignal } from "../../on_abort.ts";
import { Deadline } from "../../clock.ts";
import { PolicyError, UmbraError } from "../../errors.ts";
import {
  DNS_TCP_TIMEOUT_MS,
  MAX_DNS_CONNECTIONS,
  MAX_IDLE_DNS_TALKS,
} from "../../limits.ts";
import { streamOf } from "../../streams/byte_stream.ts";
import type { Outbound } from "../outbound/outbound.ts";
import type { Dependencies } from "../service.ts";
import type { DnsResolver } from "./dns_resolver.ts";
import { type DnsTalk, talkOver } from "./dns_talk.ts";
import type { DnsExchange, DnsUpstream } from "./dns_upstream.ts";
import { refuseOthers } from "./plain_upstream.ts";

/** An idle connection. */
interface Idle {
  readonly talk: DnsTalk;
  cancelTimer(): void;
}

/** An upstream over connections; see the module. */
export class StreamUpstream implements DnsUpstream {
  /** Always 0, since no datagrams are sent. */
  readonly overflown = 0;
  readonly #resolver: DnsResolver;
  readonly #outbound: Outbound;
  readonly #world: Required<Dependencies>;
  readonly #idle: Idle[] = [];
  #busy = 0;
  #stopped = false;

  /**
   * Makes an upstream, which connects when it is asked.
   *
   * @param outbound The way to the resolver.
   */
  constructor(
    resolver: DnsResolver,
    outbound: Outbound,
    world: Required<Dependencies>,
  ) {
    this.#resolver = resolver;
    this.#outbound = outbound;
    this.#world = world;
  }

  /** See {@link DnsUpstream.ask}. */
  async ask(
    { query, message }: DnsExchange,
    parent: StopSignal,
  ): Promise<Uint8Array> {
    if (this.#busy >= MAX_DNS_CONNECTIONS) {
      throw new PolicyError(
        "ERR_POLICY_LIMIT",
        "Too many pending queries over TCP",
      );
    }
    using deadline = new Deadline(this.#world.clock, {
      delayMs: DNS_TCP_TIMEOUT_MS,
      parent,
    });
    const { signal } = deadline;
    this.#busy++;
    try {
      const bytes = await this.#askIdle(message, signal) ??
        await this.#askOver(await this.#connect(signal), message, signal);
      refuseOthers(bytes, query);
      return bytes;
    } finally {
      this.#busy--;
    }
  }

  /** See {@link DnsUpstream.stop}. */
  stop(): void {
    this.#stopped = true;
    for (const { talk, cancelTimer } of this.#idle.splice(0)) {
      cancelTimer();
      talk.close();
    }
  }

  /** Returns `undefined` if there is no idle connection, or it has ended. */
  async #askIdle(
    message: Uint8Array,
    signal: StopSignal,
  ): Promise<Uint8Array | undefined> {
    const idle = this.#idle.pop();
    if (idle === undefined) return undefined;
    idle.cancelTimer();
    try {
      return await this.#askOver(idle.talk, message, signal);
    } catch (error) {
      if (!(error instanceof UmbraError) || signal.aborted) throw error;
      return undefined;
    }
  }

  async #askOver(
    talk: DnsTalk,
    message: Uint8Array,
    signal: StopSignal,
  ): Promise<Uint8Array> {
    try {
      const answer = await talk.ask(message, signal);
      this.#keep(talk);
      return answer;
    } catch (error) {
      talk.close();
      throw error;
    }
  }

  async #connect(signal: StopSignal): Promise<DnsTalk> {
    const { host, port, protocol } = this.#resolver;
    const target = { host, port };
    const channel = await this.#outbound.open(target, NOTHING, signal);
    const plain = streamOf(channel);
    const stream = protocol === undefined
      ? plain
      : await this.#world.secure(plain, { serverName: host, signal });
    return talkOver(stream, this.#resolver);
  }

  #keep(talk: DnsTalk): void {
    const isWanted = talk.isOpen && !this.#stopped &&
      this.#idle.length < MAX_IDLE_DNS_TALKS;
    if (!isWanted) return talk.close();
    const idle = {
      talk,
      cancelTimer: this.#world.clock.schedule(() => {
        this.#idle.splice(this.#idle.indexOf(idle), 1);
        talk.close();
      }, DNS_TCP_TIMEOUT_MS),
    };
    this.#idle.push(idle);
  }
}
