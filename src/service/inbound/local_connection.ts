/**
 * One connection of an application to `ss-local`: handshake, open, relay.
 *
 * Shadowsocks has no status messages: a server never reports if a target was
 * reached. An application therefore gets "succeeded" once the server is
 * connected, and an error if the server itself cannot be reached.
 *
 * @module
 */
import { NOTHING } from "../../bytes.ts";
import { abortable } from "../../clock.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { ProtocolError, UmbraError } from "../../errors.ts";
import { JointStop } from "../../on_abort.ts";
import type { Authenticate } from "../../session/socks5/server_session.ts";
import type { Channel, Direction } from "../../streams/channel.ts";
import { drain } from "../../streams/drain.ts";
import { type Passage, relay } from "../../streams/relay.ts";
import type { Connection, Endpoint } from "../../transport.ts";
import { ConnectionReport } from "../connection_report.ts";
import type { Router } from "../outbound/outbound.ts";
import type { ServiceOptions } from "../options.ts";
import type { TargetNames } from "../routing/target_names.ts";
import type { Dependencies } from "../service.ts";
import type { UdpLocal } from "../udp/udp_local.ts";
import type { Inbound, InboundRequest, Send } from "./inbound.ts";
import { LocalClient } from "./local_client.ts";
import type { ServePac } from "./proxy_pac.ts";
import type { SilenceHint } from "./silence_hint.ts";
import { sniff, type SniffOptions } from "./sniff.ts";

/** The options of connections of applications. */
export interface ApplicationOptions extends ServiceOptions {
  /** Milliseconds for the handshake. */
  readonly handshakeTimeoutMs: number;
}

/** What a connection needs of its local. */
export interface ConnectionLocal {
  /** The options of connections of applications. */
  readonly options: ApplicationOptions;
  /** The protocol of applications. */
  readonly inbound: Inbound;
  /** The name of that protocol, for the routes. */
  readonly inboundName: string;
  /** Checks user name and password; not set if none are required. */
  readonly authenticate: Authenticate | undefined;
  /** Serves the PAC file; not set if there is none. */
  readonly pac: ServePac | undefined;
  /** Chooses the way to targets. */
  readonly router: Router;
  /** The names of addresses; not set if none are known. */
  readonly names: TargetNames | undefined;
  /** If set, a client's first bytes are searched for the name of the target. */
  readonly sniff: SniffOptions | undefined;
  /** The UDP associations; not set if UDP is not relayed. */
  readonly udp: UdpLocal | undefined;
  /** Logs a hint if the server never answers. */
  readonly silence: SilenceHint;
  /** The dependencies of the local. */
  readonly world: Required<Dependencies>;
}

/**
 * Serves one application. It closes what it opened, but not the client's
 * connection.
 */
export class LocalConnection implements Passage {
  readonly #local: ConnectionLocal;
  readonly #inbound: Inbound;
  readonly #signal: AbortSignal;
  readonly #client: LocalClient;
  readonly #report: ConnectionReport;
  #request: InboundRequest | undefined;
  /** True once the application was answered that the request succeeded. */
  #isAccepted = false;

  /**
   * Starts the report.
   *
   * @param signal Aborted when the service stops waiting for the connection.
   * @param inbound The protocol of the application; the local's by default.
   */
  constructor(
    connection: Connection,
    local: ConnectionLocal,
    signal: AbortSignal,
    inbound: Inbound = local.inbound,
  ) {
    this.#local = local;
    this.#inbound = inbound;
    this.#signal = signal;
    this.#client = new LocalClient(
      connection,
      local.world.clock,
      local.options.handshakeTimeoutMs,
    );
    this.#report = new ConnectionReport(connection, local.world);
  }

  /**
   * Serves the connection to its end. Errors of peers and networks are only
   * reported.
   */
  async serve(): Promise<void> {
    const report = this.#report;
    using _watched = this.#local.silence.watch(report);
    const channel = await this.#open();
    if (channel === undefined) return;
    report.reached(channel.server);
    try {
      await this.#relay(channel);
      const unanswered = report.bytesUp > 0 && report.bytesDown === 0;
      if (unanswered) report.closeUnanswered();
      else report.close("done");
    } catch (error) {
      // Resets both sides, so that neither takes a cut stream for a complete
      // one.
      channel.cut();
      const refusal = this.#refusal();
      if (refusal === undefined) this.#client.cut();
      report.fail(error);
      if (refusal !== undefined) {
        await this.#client.refuse(refusal, this.#signal);
      }
    } finally {
      channel.close();
    }
  }

  /**
   * Performs the handshake and opens the channel; returns `undefined` if there
   * is nothing to relay.
   */
  async #open(): Promise<Channel | undefined> {
    try {
      const request = await this.#handshake();
      if (request?.kind === "connect") return await this.#openFor(request);
      if (request === undefined) await this.#leave();
      else await this.#associate(request);
    } catch (error) {
      this.#report.fail(error);
      await this.#client.hangUp(this.#signal);
    }
    return undefined;
  }

  #handshake(): ReturnType<Inbound> {
    const { options, authenticate, world } = this.#local;
    const client = this.#client;
    const signal = this.#signal;
    const send: Send = (bytes, giveUp) =>
      giveUp === undefined
        ? client.answer(bytes, signal)
        : abortable(client.writer.write(bytes), giveUp);
    return this.#inbound({
      ...options,
      channel: client,
      send,
      authenticate: authenticate &&
        ((credentials) => this.#report.user = authenticate(credentials)),
      clock: world.clock,
      pac: this.#local.pac,
      signal,
      open: async (address) => {
        const target = this.#targetOf(address);
        const channel = await this.#channelTo(target, NOTHING);
        this.#report.reached(channel.server);
        channel.countTo(this.#report);
        return channel;
      },
      refused: (error) => this.#report.refuse(error),
      cut: () => client.cut(),
    });
  }

  /** Opens the channel for a request, or refuses the application. */
  async #openFor(request: InboundRequest): Promise<Channel> {
    this.#request = request;
    if (request.channel !== undefined) return request.channel;
    // Bytes that arrive during the dial are sent with the first ones.
    if (request.payload.length === 0) this.#client.reader.ask();
    try {
      const target = this.#targetOf(request.address);
      const { sniff: options } = this.#local;
      if (options === undefined || parseIp(target.host) === undefined) {
        return await this.#channelTo(target, request.payload);
      }
      // The application may wait for the answer before it sends anything.
      await this.#accept(NOT_BOUND);
      const { said, name } = await sniff(this.#client.reader, request.payload, {
        clock: this.#local.world.clock,
        signal: this.#signal,
      });
      return await this.#channelTo(target, said, name);
    } catch (error) {
      if (error instanceof UmbraError && !this.#isAccepted) {
        await this.#client.answer(request.refuse(error.code), this.#signal);
      }
      throw error;
    }
  }

  /**
   * Answers once that the request succeeded. @returns Settles when the answer
   * was sent; `undefined` if there is nothing to wait for.
   */
  #accept(end: { readonly local: Endpoint }): Promise<void> | undefined {
    if (this.#isAccepted) return undefined;
    this.#isAccepted = true;
    return this.#client.answer(this.#request!.accept(end), this.#signal);
  }

  /** Finds the target behind the requested address. */
  #targetOf(asked: Address): Address {
    const { options, names } = this.#local;
    const report = this.#report;
    report.target = formatAddress(asked);
    report.route = undefined;
    const target = names?.meant(asked) ?? asked;
    if (target !== asked) report.target = formatAddress(target);
    if (options.mode === "udp_only") {
      throw new ProtocolError("ERR_SOCKS_COMMAND", "Only UDP is relayed here");
    }
    return target;
  }

  /** @param name The client's name for a target that is an address. */
  #channelTo(
    target: Address,
    first: Uint8Array,
    name?: string,
  ): Promise<Channel> {
    const { router, inboundName: inbound, sniff: options } = this.#local;
    const report = this.#report;
    const { host: source } = this.#client.connection.remote;
    const { user } = report;
    const request = report.request();
    const outbound = router.choose({
      target,
      name,
      user,
      source,
      inbound,
      report: request,
      network: "tcp",
    });
    // A direct connection uses the requested address.
    const isNamed = name !== undefined && options?.override === true &&
      report.route?.to !== "direct";
    const sent = isNamed ? { ...target, host: name } : target;
    if (isNamed) report.target = request.target = formatAddress(sent);
    return outbound.open(sent, first, this.#signal);
  }

  /**
   * Ends the connection after the inbound has served all, or the client left.
   */
  async #leave(): Promise<void> {
    const report = this.#report;
    report.close(
      report.target === undefined
        ? "application closed during the handshake"
        : "done",
    );
    await this.#client.hangUp(this.#signal);
  }

  /** Relays datagrams as long as the application stays connected. */
  async #associate({ address, accept }: InboundRequest): Promise<void> {
    const client = this.#client;
    using association = this.#local.udp!.associate(
      client.connection,
      address,
      this.#report.user,
    );
    await client.answer(accept({ local: association.relay }), this.#signal);
    using over = new JointStop(this.#signal, association.signal);
    await drain(client.reader, over);
    this.#report.close("UDP association ended");
  }

  /**
   * This is not an async function: it would keep the first bytes in memory as
   * long as the relay lasts.
   */
  #relay(channel: Channel): Promise<void> {
    const { options, world: { transport, clock } } = this.#local;
    return this.#firstPayload(channel).then((payload) =>
      relay(this.#client, channel, this, {
        idleTimeoutMs: options.idleTimeoutMs,
        buffers: transport.buffers,
        clock,
        signals: [this.#signal],
      }, { up: this.#firstBytes(channel, payload) })
    );
  }

  /** Returns the first payload after that of the channel; may be empty. */
  async #firstPayload(channel: Channel): Promise<Uint8Array> {
    await this.#accept(channel);
    const request = this.#request!;
    const { payload } = request;
    request.payload = NOTHING;
    return request.channel !== undefined
      ? payload
      : channel.first.length > 0
      ? NOTHING
      : await this.#client.firstPayload(this.#signal);
  }

  /** @param more Payload after the first of the channel; may be empty. */
  #firstBytes(channel: Channel, more: Uint8Array): Uint8Array {
    const hasBegun = this.#request!.channel !== undefined;
    this.#report.count("up", channel.first.length + more.length);
    return hasBegun ? channel.session.seal(more) : channel.begin(more);
  }

  /** See {@link Passage.pass}. */
  pass(direction: Direction, payloadBytes: number): number {
    this.#report.count(direction, payloadBytes);
    return 0;
  }

  /** See {@link Passage.ended}. */
  ended(direction: Direction): void {
    const unanswered = this.#request?.unanswered;
    if (direction === "up" || unanswered === undefined) return;
    if (this.#report.bytesDown > 0) return;
    throw new ProtocolError(unanswered, NO_BIND);
  }

  /**
   * Returns the refusal for an application whose answer should have come from
   * the server, which sent nothing.
   */
  #refusal(): Uint8Array | undefined {
    const { unanswered, refuse } = this.#request!;
    if (unanswered === undefined || this.#report.bytesDown > 0) {
      return undefined;
    }
    return refuse(unanswered);
  }
}

/** The address in the answer while there is no connection yet. */
const NOT_BOUND = { local: { host: "0.0.0.0", port: 0 } };
const NO_BIND = "Server does not support BIND: start it with --bind";
