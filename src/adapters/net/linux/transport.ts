/**
 * TCP and UDP over calls of Linux, by the foreign functions of Deno and Bun.
 *
 * Does not: look names up, which the runtime does.
 *
 * @module
 */
import type { OutboundAddresses, Transport } from "../../../transport.ts";
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
 * @throws {Error} With the reason why this system, or the runtime's
 * permissions, do not let us.
 */
export async function linuxTransport(
  outbound?: OutboundAddresses,
): Promise<Transport> {
  const { loop } = await openLoop();
  const { bind } = udp ??= new Udp(loop);
  raiseDescriptorLimit();
  return {
    name: "linux",
    capabilities: {
      sharedUdpPort: true,
      outboundAddress: true,
      tls: true,
      reset: true,
      descriptor: true,
      receiveBuffer: true,
      batch: true,
    },
    buffers: BUFFERS,
    listen: (endpoint, options) =>
      listenWithoutIpv6(endpoint, (one) => listen(one, options, loop)),
    // TLS is the runtime's, and so are the sockets below it.
    dial: dialWith(
      async (to, { signal } = {}) =>
        await dial(to, { signal, loop, from: outboundFor(to.host, outbound) }),
      (host) => outboundFor(host, outbound),
    ),
    bind: (endpoint, options) =>
      listenWithoutIpv6(endpoint, (one) => bind(one, options)),
    bindOutgoing: () => bindOutgoing(bind, outbound),
    resolve,
    descriptorLimit,
  };
}
