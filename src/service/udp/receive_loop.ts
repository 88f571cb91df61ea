/**
 * The receive loop of every UDP service: it receives on one socket until it is
 * stopped, and survives it when receiving fails.
 *
 * @module
 */
import { pause } from "../../clock.ts";
import { tellDefect } from "../../defect.ts";
import { TransportError } from "../../errors.ts";
import { ACCEPT_BACKOFF_MS } from "../../limits.ts";
import type { Datagram, DatagramSocket, Endpoint } from "../../transport.ts";
import type { Dependencies, Service } from "../service.ts";

/**
 * Receives on a socket and hands each datagram to `handle`; what that throws is
 * a defect.
 *
 * @param socket Owned by the service from now on.
 * @param onStop Ends what the datagrams began.
 */
export function serveDatagrams(
  socket: DatagramSocket,
  handle: (datagram: Datagram) => void,
  onStop: () => void,
  dependencies: Required<Dependencies>,
): Service {
  return new ReceiveLoop(socket, handle, onStop, dependencies);
}

class ReceiveLoop implements Service {
  readonly address: Endpoint;
  readonly #socket: DatagramSocket;
  readonly #handle: (datagram: Datagram) => void;
  readonly #onStop: () => void;
  readonly #world: Required<Dependencies>;
  readonly #stop = new AbortController();
  readonly #receiving: Promise<void>;

  constructor(
    socket: DatagramSocket,
    handle: (datagram: Datagram) => void,
    onStop: () => void,
    world: Required<Dependencies>,
  ) {
    this.#socket = socket;
    this.address = socket.address;
    this.#handle = handle;
    this.#onStop = onStop;
    this.#world = world;
    this.#receiving = this.#receiveAll();
  }

  async stop(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#onStop();
    this.#socket.close();
    await this.#receiving;
  }

  /** What is wrong with one datagram does not hold up the next. */
  #take(datagram: Datagram): void {
    try {
      this.#handle(datagram);
    } catch (error) {
      tellDefect(error, "datagram handler", this.#world);
    }
  }

  async #receiveAll(): Promise<void> {
    const { clock, logger } = this.#world;
    for (let failures = 0;;) {
      try {
        const datagram = await this.#socket.receive();
        if (datagram === undefined) return;
        if (failures > 0) logger.log("info", "receiving again");
        failures = 0;
        this.#take(datagram);
      } catch (error) {
        if (failures++ === 0) {
          logger.log("error", "cannot receive datagrams, will keep trying", {
            code: error instanceof TransportError ? error.code : undefined,
            reason: error instanceof Error ? error.stack : String(error),
          });
        }
        await pause(clock, ACCEPT_BACKOFF_MS, this.#stop.signal);
      }
    }
  }
}
