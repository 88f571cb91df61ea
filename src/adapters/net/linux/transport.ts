/**
 * TCP and UDP over calls of Linux, by the foreign functions of Deno and Bun.
 *
 * Does not: look names up, which the runtime does.
 *
 * @module
 */
import { TransportError } from "../../../errors.ts";
import type {
  DatagramSocket,
  Endpoint,
  OutboundAddresses,
  SocketOptions,
  Transport,
} from "../../../transport.ts";
import {
  descriptorLimit,
  raiseDescriptorLimit,
} from "../../system/_descriptors.ts";
import { bindOutgoing, outboundFor } from "../_outgoing.ts";
import { resolve } from "../_resolve.ts";
import { dialWith } from "../_tls.ts";
import { listenWithoutIpv6 } from "../_without_ipv6.ts";
import { dial } from "./dial.ts";
import { listen } from "./listen.ts";
import { openLoop } from "./open_loop.ts";
import { BUFFERS } from "./tcp.ts";
import { Udp } from "./udp.ts";

/** UDP of this thread; its memory is never given back. */
let udp: Udp | undefined;

/**
 * Gives the system's network.
 *
 * @param outbound Where what goes out leaves from; the system's choice by
 * default.
 * @param options Of every socket.
 * @throws {Error} With the reason why this system, or the runtime's
 * permissions, do not let us.
 */
export async function linuxTransport(
  outbound?: OutboundAddresses,
  options: SocketOptions = {},
): Promise<Transport> {
  const { loop } = await openLoop();
  const { bind, lost } = udp ??= new Udp(loop);
  const bindOut = (endpoint: Endpoint): Promise<DatagramSocket> =>
    bind(endpoint, {}, options);
  raiseDescriptorLimit();
  return {
    name: "linux",
    capabilities: {
      sharedUdpPort: true,
      outboundAddress: true,
      tls: !isOnItsWay(options),
      reset: true,
      descriptor: true,
      receiveBuffer: true,
      batch: true,
      socketOptions: true,
      redirection: true,
    },
    buffers: BUFFERS,
    listen: (endpoint, how) =>
      listenWithoutIpv6(endpoint, (one) => listen(one, how, loop, options)),
    // TLS is the runtime's, and so are the sockets below it.
    dial: dialWith(
      (to, { signal } = {}) => dial(to, { signal, loop, outbound, options }),
      (host) => {
        if (isOnItsWay(options)) throw NO_TLS;
        return outboundFor(host, outbound);
      },
    ),
    bind: (endpoint, how) =>
      listenWithoutIpv6(endpoint, (one) => bind(one, how)),
    bindOutgoing: () => bindOutgoing(bindOut, outbound),
    resolve,
    lostDatagrams: () => lost.total,
    descriptorLimit,
  };
}

/** True if what goes out must take a way that the runtime does not know. */
function isOnItsWay({ mark, interfaceName }: SocketOptions): boolean {
  return mark !== undefined || interfaceName !== undefined;
}

const NO_TLS = new TransportError(
  "ERR_NET_UNSUPPORTED",
  "Cannot connect by TLS: the runtime's sockets below it take neither " +
    "outbound_fwmark nor outbound_bind_interface",
);
