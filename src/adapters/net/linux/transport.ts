/**
 * TCP and UDP with Linux system calls, through the foreign function interfaces
 * of Deno and Bun.
 *
 * Does not: resolve names, which the runtime does.
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

/** UDP of this thread; its memory is never freed. */
let udp: Udp | undefined;

/**
 * Returns the system's network.
 *
 * @param outbound Source addresses; default: the system chooses.
 * @param options Options of every socket.
 * @throws {Error} With the reason why this system, or the permissions of the
 * runtime, do not allow it.
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
    // TLS uses the runtime's sockets.
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

/**
 * True if outgoing packets need a route that the runtime's sockets cannot
 * choose.
 */
function isOnItsWay({ mark, interfaceName }: SocketOptions): boolean {
  return mark !== undefined || interfaceName !== undefined;
}

const NO_TLS = new TransportError(
  "ERR_NET_UNSUPPORTED",
  "Cannot connect with TLS: the runtime's sockets support neither " +
    "outbound_fwmark nor outbound_bind_interface",
);
