/**
 * A UDP port that another process still uses. No runtime can share it, so a
 * process that takes over (`sharePorts`) waits until the port is free, and
 * serves TCP meanwhile.
 *
 * @module
 */
import { TransportError } from "../../errors.ts";
import type {
  Datagram,
  DatagramSocket,
  DatagramTaker,
  Endpoint,
  Posted,
  WaitOptions,
} from "../../transport.ts";
import { tellPosted } from "../../posted.ts";
import { isInUse, startWhenFree } from "../address_in_use.ts";
import type { Dependencies } from "../service.ts";

/**
 * Binds the UDP port of a service. If ports may be shared and the port is in
 * use, it is bound as soon as it is free.
 *
 * @throws {TransportError} If it cannot be bound for another reason.
 */
export async function bindPort(
  endpoint: Endpoint,
  world: Required<Dependencies>,
): Promise<DatagramSocket> {
  try {
    return await bind(endpoint, world);
  } catch (error) {
    if (!world.sharePorts || !isInUse(error)) throw error;
    world.logger.log("warn", "another process has the UDP port, waiting", {
      port: endpoint.port,
    });
    return new LateSocket(endpoint, world);
  }
}

/** Shares the port, if that is requested and supported. */
function bind(
  endpoint: Endpoint,
  { transport, sharePorts }: Required<Dependencies>,
): Promise<DatagramSocket> {
  const reusePort = sharePorts && transport.capabilities.sharedUdpPort;
  return transport.bind(endpoint, { reusePort });
}

class LateSocket implements DatagramSocket {
  readonly address: Endpoint;
  readonly #world: Required<Dependencies>;
  readonly #closed = new AbortController();
  readonly #binding: Promise<DatagramSocket | undefined>;
  #socket: DatagramSocket | undefined;

  constructor(address: Endpoint, world: Required<Dependencies>) {
    this.address = address;
    this.#world = world;
    this.#binding = this.#bind();
    // The receiver gets the error.
    this.#binding.catch(() => {});
  }

  get dropped(): number {
    return this.#socket?.dropped ?? 0;
  }

  handTo(taker: DatagramTaker): void {
    if (this.#socket !== undefined) return this.#socket.handTo(taker);
    this.#binding.then(
      (socket) => socket?.handTo(taker),
      (error) => taker.fail(error),
    );
  }

  async receive(options?: WaitOptions): Promise<Datagram | undefined> {
    const socket = this.#socket ?? await this.#binding;
    return await socket?.receive(options);
  }

  /** No datagram was received yet, so there is no client to send to. */
  async send(
    payload: Uint8Array,
    to: Endpoint,
    options?: WaitOptions,
  ): Promise<void> {
    if (this.#socket === undefined) {
      throw new TransportError("ERR_NET_CLOSED", "The UDP port is not bound");
    }
    await this.#socket.send(payload, to, options);
  }

  post(payload: Uint8Array, to: Endpoint, posted: Posted): void {
    if (this.#socket !== undefined) this.#socket.post(payload, to, posted);
    else tellPosted(this.send(payload, to), posted);
  }

  close(): void {
    this.#closed.abort();
    this.#socket?.close();
  }

  async #bind(): Promise<DatagramSocket | undefined> {
    const { clock, logger } = this.#world;
    const { signal } = this.#closed;
    const socket = await startWhenFree(
      () => bind(this.address, this.#world),
      { clock, signal },
    );
    if (signal.aborted) socket?.close();
    if (socket === undefined || signal.aborted) return undefined;
    logger.log("info", "UDP port taken over", { port: this.address.port });
    return this.#socket = socket;
  }
}
