/**
 * What every UDP service has in common: it receives on one socket until it is
 * stopped, and shares the descriptors with TCP.
 *
 * @module
 */
import { pause } from "../../clock.ts";
import { tellDefect } from "../../defect.ts";
import { TransportError } from "../../errors.ts";
import {
  ACCEPT_BACKOFF_MS,
  RESERVED_DESCRIPTORS,
  UDP_DESCRIPTOR_SHARE,
} from "../../limits.ts";
import type {
  Datagram,
  DatagramSocket,
  Endpoint,
  Listener,
} from "../../transport.ts";
import type { ServiceOptions, UdpOptions } from "../options.ts";
import type { Dependencies, Service } from "../service.ts";

/**
 * UDP flows a process can hold with the descriptors it may open.
 *
 * @param descriptorLimit See `Transport.descriptorLimit`.
 * @param wanted Never more than these.
 */
export function flowCapacity(
  descriptorLimit: number | undefined,
  wanted: number,
): number {
  if (descriptorLimit === undefined) return wanted;
  const share = Math.floor(
    (descriptorLimit - RESERVED_DESCRIPTORS) * UDP_DESCRIPTOR_SHARE,
  );
  return Math.min(wanted, Math.max(1, share));
}

/**
 * Descriptors that a service keeps for flows.
 *
 * @param options Of the service; without UDP it keeps none.
 */
export function flowShare(
  { mode, maxFlows }: Pick<ServiceOptions, "mode" | "maxFlows">,
  { transport }: Pick<Dependencies, "transport">,
): number {
  if (mode === "tcp_only") return 0;
  return flowCapacity(transport.descriptorLimit(), maxFlows);
}

/** How many flows a service may have, and for how long they may be quiet. */
export function flowLimits(
  { maxFlows, udpTimeoutMs }: UdpOptions,
  { transport }: Pick<Dependencies, "transport">,
): { readonly maxFlows: number; readonly idleTimeoutMs: number } {
  return {
    maxFlows: flowCapacity(transport.descriptorLimit(), maxFlows),
    idleTimeoutMs: udpTimeoutMs,
  };
}

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

/**
 * Starts something that needs a listener's port.
 *
 * @throws Its error, after the listener was closed.
 */
export async function besideListener<T>(
  listener: Listener,
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    listener.close();
    throw error;
  }
}

/** One role's TCP and UDP as one service; the address is that of TCP. */
export function joined(tcp: Service, udp: Service): Service {
  return {
    address: tcp.address,
    async stop(graceMs): Promise<void> {
      // UDP has no end to wait for: it stops at once, and with it the
      // associations that connections are held open for.
      await Promise.all([udp.stop(graceMs), tcp.stop(graceMs)]);
    },
  };
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
