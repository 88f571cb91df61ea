/**
 * UDP that the system redirects to us (TPROXY): each datagram names its own
 * target, and its answer leaves from there.
 *
 * @module
 */
import { detach } from "../../defect.ts";
import { formatAddress } from "../../codec/address.ts";
import { TransportError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import type { UdpOptions } from "../options.ts";
import type { Router } from "../outbound/outbound.ts";
import type { TargetNames } from "../routing/target_names.ts";
import { type Dependencies, type Service, withDefaults } from "../service.ts";
import { flowLimits } from "../udp/flow_share.ts";
import {
  clientAt,
  type FlowOwner,
  OutboundFlows,
} from "../udp/outbound_flows.ts";
import { serveDatagrams } from "../udp/receive_loop.ts";
import { UdpReport } from "../udp/udp_report.ts";
import { ReplySockets } from "./reply_sockets.ts";

/** How to serve redirected datagrams. */
export interface UdpRedirOptions extends UdpOptions {
  /** Where the system redirects to. */
  readonly listen: Endpoint;
  /** Chooses the way of datagrams. */
  readonly router: Router;
  /** Tells what addresses stand for; default: for themselves. */
  readonly names?: TargetNames | undefined;
}

/** A client, or one address that was made up as that client asked for it. */
interface RedirOwner extends FlowOwner {
  /**
   * That address: answers leave from it, since their true source means nothing
   * to the client.
   */
  readonly madeUp?: string;
}

/**
 * Starts to serve them.
 *
 * @throws {TransportError} When it cannot bind, or may not.
 */
export async function startUdpRedir(
  options: UdpRedirOptions,
  dependencies: Dependencies,
): Promise<Service> {
  const world = withDefaults(dependencies);
  const socket = await world.transport.bind(options.listen, {
    reusePort: world.sharePorts,
    redirected: "tproxy",
  });
  const report = new UdpReport(world);
  const replies = new ReplySockets(world);
  const { names } = options;
  const flows = new OutboundFlows<RedirOwner>(
    {
      router: options.router,
      inbound: "redir",
      ...flowLimits(options, world),
      deliver: ({ endpoint, madeUp }, { address, payload }, signal) =>
        replies.send(payload, {
          from: { ...address, ...madeUp !== undefined && { host: madeUp } },
          to: endpoint,
          signal,
        }),
    },
    world,
    report,
  );
  return serveDatagrams(
    socket,
    ({ payload, from, to }) => {
      report.received();
      try {
        if (to === undefined) throw NOT_REDIRECTED;
        const address = names?.meant(to) ?? to;
        const owner = address === to ? clientAt(from) : madeUpFor(from, to);
        detach(flows.send(owner, { address, payload }), "datagram", world);
      } catch (error) {
        report.dropped(error, from.host);
      }
    },
    () => {
      flows.end();
      replies.close();
      report.close(flows.overflown + socket.dropped);
    },
    world,
  );
}

/** A flow of its own: whatever comes by it is from what the name stands for. */
function madeUpFor(client: Endpoint, { host }: Endpoint): RedirOwner {
  const key = `${formatAddress(client)} for ${host}`;
  return { key, endpoint: client, madeUp: host };
}

/** One for all: it says nothing of the datagram. */
const NOT_REDIRECTED = new TransportError(
  "ERR_NET_UNREACHABLE",
  "A datagram to the redir port itself: its target is unknown",
);
