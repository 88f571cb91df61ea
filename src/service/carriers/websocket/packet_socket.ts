/**
 * The packets of one association inside a WebSocket, as a UDP socket with one
 * peer.
 *
 * @module
 */
import { abortable } from "../../../clock.ts";
import { TransportError } from "../../../errors.ts";
import { tellPosted } from "../../../posted.ts";
import type { WebSocketPackets } from "../../../streams/websocket_packets.ts";
import type {
  Datagram,
  DatagramSocket,
  DatagramTaker,
  Endpoint,
  Posted,
  WaitOptions,
} from "../../../transport.ts";

/** A {@link DatagramSocket} over {@link WebSocketPackets}. */
export class PacketSocket implements DatagramSocket {
  readonly address: Endpoint;
  /** Always 0: unread data waits at the peer. */
  readonly dropped = 0;
  readonly #packets: WebSocketPackets;
  readonly #peer: Endpoint;
  /** A pending read. It may outlive the call that started it. */
  #next: Promise<Uint8Array | undefined> | undefined;
  #isClosed = false;

  /**
   * Makes a socket that owns the packets.
   *
   * @param address Our own address.
   * @param peer The sender that is reported for each packet.
   */
  constructor(packets: WebSocketPackets, address: Endpoint, peer: Endpoint) {
    this.#packets = packets;
    this.address = address;
    this.#peer = peer;
  }

  /** See {@link DatagramSocket.handTo}. */
  handTo(taker: DatagramTaker): void {
    this.#receiveAll(taker).catch((error) => taker.fail(error));
  }

  /**
   * See {@link DatagramSocket.receive}.
   *
   * @throws {TransportError} `ERR_NET_RESET` if the server has ended the
   * association; no packets follow then.
   */
  async receive({ signal }: WaitOptions = {}): Promise<Datagram | undefined> {
    if (this.#isClosed) return undefined;
    this.#next ??= this.#packets.receive();
    const next = this.#next;
    try {
      const payload = await abortable(next, signal);
      this.#next = undefined;
      if (payload !== undefined) return { payload, from: this.#peer };
    } catch (error) {
      if (!this.#isClosed) throw error;
    }
    if (this.#isClosed) return undefined;
    throw new TransportError(
      "ERR_NET_RESET",
      "The WebSocket server has ended the association",
    );
  }

  /** See {@link DatagramSocket.send}. */
  send(
    payload: Uint8Array,
    _to: Endpoint,
    { signal }: WaitOptions = {},
  ): Promise<void> {
    return abortable(this.#packets.send(payload), signal);
  }

  /** See {@link DatagramSocket.post}. */
  post(payload: Uint8Array, to: Endpoint, posted: Posted): void {
    tellPosted(this.send(payload, to), posted);
  }

  /** See {@link DatagramSocket.close}. */
  close(): void {
    this.#isClosed = true;
    this.#packets.close();
  }

  async #receiveAll(taker: DatagramTaker): Promise<void> {
    for (let datagram; (datagram = await this.receive());) {
      taker.take(datagram);
    }
  }
}
