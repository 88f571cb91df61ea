/**
 * SOCKS5 UDP ASSOCIATE of `ss-local`: one socket, on the port that applications
 * connect to, receives the datagrams of all associations.
 *
 * An association lasts as long as its TCP connection. It allows the address of
 * that connection's peer. If the request named that address with a port, it
 * allows only that port. Each allowed socket has a flow of its own, so that no
 * application sees another one's answers.
 *
 * Source: RFC 1928 §4, §6, §7.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import { isUnspecified } from "../../codec/ip_address.ts";
import {
  decodeSocksDatagram,
  encodeSocksDatagram,
} from "../../codec/socks5_datagram.ts";
import { PolicyError } from "../../errors.ts";
import type {
  Connection,
  Datagram,
  DatagramSocket,
  Endpoint,
} from "../../transport.ts";
import { bindPort } from "./late_socket.ts";
import type { Dependencies, Service } from "../service.ts";
import { UdpReport } from "./udp_report.ts";
import { flowLimits } from "./flow_share.ts";
import { serveDatagrams } from "./receive_loop.ts";
import { Permits } from "./permits.ts";
import type { UdpOptions } from "../options.ts";
import type { TargetNames } from "../routing/target_names.ts";
import type { Router } from "../outbound/outbound.ts";
import { clientAt, type FlowOwner, OutboundFlows } from "./outbound_flows.ts";

/** The options of the UDP side of a local proxy. */
export interface UdpLocalOptions extends UdpOptions {
  /** The address that applications send to. */
  readonly listen: Endpoint;
  /** Chooses the way of datagrams. */
  readonly router: Router;
  /** The names of addresses; default: none are known. */
  readonly names?: TargetNames | undefined;
}

/** Permission to send datagrams, until it is disposed of. */
export interface Association extends Disposable {
  /** The address that the application sends to. */
  readonly relay: Endpoint;
  /** Aborted when the service stops. */
  readonly signal: AbortSignal;
}

/** The UDP side of a local. */
export class UdpLocal {
  /** The service. */
  readonly service: Service;
  readonly #socket: DatagramSocket;
  readonly #flows: OutboundFlows<FlowOwner>;
  readonly #report: UdpReport;
  readonly #world: Required<Dependencies>;
  readonly #permits = new Permits();
  readonly #stopped = new AbortController();

  private constructor(
    options: UdpLocalOptions,
    socket: DatagramSocket,
    world: Required<Dependencies>,
  ) {
    this.#socket = socket;
    this.#world = world;
    this.#report = new UdpReport(world);
    this.#flows = new OutboundFlows(
      {
        router: options.router,
        names: options.names,
        inbound: "socks",
        ...flowLimits(options, world),
        deliver: ({ endpoint }, packet, posted) =>
          this.#socket.post(encodeSocksDatagram(packet), endpoint, posted),
      },
      world,
      this.#report,
    );
    this.service = serveDatagrams(
      socket,
      (datagram) => this.#handle(datagram),
      () => this.#stop(),
      world,
    );
  }

  /**
   * Binds the socket and starts.
   *
   * @throws {TransportError} If it cannot bind.
   */
  static async start(
    options: UdpLocalOptions,
    world: Required<Dependencies>,
  ): Promise<UdpLocal> {
    const socket = await bindPort(options.listen, world);
    return new UdpLocal(options, socket, world);
  }

  /**
   * Allows an application to send.
   *
   * @param connection Its TCP connection; the caller disposes of the
   * association when it ends.
   * @param claimed The address that the application says it will send from.
   * @param user The user, where users have names.
   */
  associate(
    connection: Connection,
    claimed: Address,
    user?: string,
  ): Association {
    const { host } = connection.remote;
    const port = claimed.host === host && claimed.port !== 0
      ? claimed.port
      : undefined;
    const permit = { host, port, user };
    this.#permits.add(permit);
    return {
      relay: reachable(this.#socket.address, connection.local),
      signal: this.#stopped.signal,
      [Symbol.dispose]: () => {
        this.#permits.delete(permit);
        this.#flows.end(({ endpoint }) => !this.#permits.admits(endpoint));
      },
    };
  }

  #handle({ payload, from }: Datagram): void {
    this.#report.received();
    try {
      const sender = this.#permits.find(from);
      if (sender === undefined) {
        throw new PolicyError(
          "ERR_POLICY_STRANGER",
          "Datagram from an address without an association",
        );
      }
      const packet = decodeSocksDatagram(payload);
      this.#flows.send({ ...clientAt(from), ...sender }, packet);
    } catch (error) {
      this.#report.dropped(error, from.host);
    }
  }

  #stop(): void {
    this.#stopped.abort();
    this.#flows.end();
    this.#report.close(this.#flows.overflown + this.#socket.dropped);
  }
}

/**
 * Replaces a wildcard address, which cannot be sent to, by the connection's
 * own.
 */
function reachable(bound: Endpoint, local: Endpoint): Endpoint {
  return isUnspecified(bound.host)
    ? { host: local.host, port: bound.port }
    : bound;
}
