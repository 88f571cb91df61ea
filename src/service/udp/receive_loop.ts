/**
 * The receive loop of every UDP service. It continues after failures to
 * receive, until it is stopped.
 *
 * @module
 */
import { pause } from "../../clock.ts";
import { detach, tellDefect } from "../../defect.ts";
import type { TransportError } from "../../errors.ts";
import { ACCEPT_BACKOFF_MS } from "../../limits.ts";
import type {
  Datagram,
  DatagramSocket,
  DatagramTaker,
  Endpoint,
} from "../../transport.ts";
import type { Dependencies, Service } from "../service.ts";

/**
 * Passes each datagram of a socket to `handle`. An error of `handle` is a
 * defect.
 *
 * @param socket The service owns it from now on.
 * @param onStop Called when the service stops.
 */
export function serveDatagrams(
  socket: DatagramSocket,
  handle: (datagram: Datagram) => void,
  onStop: () => void,
  dependencies: Required<Dependencies>,
): Service {
  return new DatagramService(socket, handle, onStop, dependencies);
}

class DatagramService implements Service, DatagramTaker {
  readonly address: Endpoint;
  readonly #socket: DatagramSocket;
  readonly #handle: (datagram: Datagram) => void;
  readonly #onStop: () => void;
  readonly #world: Required<Dependencies>;
  readonly #stop = new AbortController();
  #failures = 0;

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
    socket.handTo(this);
  }

  stop(): Promise<void> {
    if (!this.#stop.signal.aborted) {
      this.#stop.abort();
      this.#onStop();
      this.#socket.close();
    }
    return Promise.resolve();
  }

  /** Handles one datagram; an error does not affect the next one. */
  take(datagram: Datagram): void {
    if (this.#stop.signal.aborted) return;
    if (this.#failures > 0) {
      this.#failures = 0;
      this.#world.logger.log("info", "receiving again");
    }
    try {
      this.#handle(datagram);
    } catch (error) {
      tellDefect(error, "datagram handler", this.#world);
    }
  }

  fail(error: TransportError): void {
    if (this.#stop.signal.aborted) return;
    if (this.#failures++ === 0) {
      this.#world.logger.log(
        "error",
        "cannot receive datagrams, will keep trying",
        { code: error.code, reason: error.stack },
      );
    }
    detach(this.#goOn(), "datagram service", this.#world);
  }

  async #goOn(): Promise<void> {
    const { signal } = this.#stop;
    await pause(this.#world.clock, ACCEPT_BACKOFF_MS, signal);
    if (!signal.aborted) this.#socket.handTo(this);
  }
}
