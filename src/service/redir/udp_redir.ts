/**
 * UDP that the system redirects to this program (TPROXY): each datagram has its
 * own target, and its answer leaves from the target's address.
 *
 * @module
 */
import { TransportError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import type { UdpOptions } from "../options.ts";
import type { Router } from "../outbound/outbound.ts";
import type { TargetNames } from "../routing/target_names.ts";
import { type Dependencies, type Service, withDefaults } from "../service.ts";
import { flowLimits } from "../udp/flow_share.ts";
import { clientAt, OutboundFlows } from "../udp/outbound_flows.ts";
import { serveDatagrams } from "../udp/receive_loop.ts";
import { UdpReport } from "../udp/udp_report.ts";
import { ReplySockets } from "./reply_sockets.ts";

/** The options of redirected datagrams. */
export interface UdpRedirOptions extends UdpOptions {
  /** The address that the system redirects to. */
  readonly listen: Endpoint;
  /** Chooses the way of datagrams. */
  readonly router: Router;
  /** The names of addresses; default: none are known. */
  readonly names?: TargetNames | undefined;
}

/**
 * Starts to serve redirected datagrams.
 *
 * @throws {TransportError} If it cannot bind, or has no permission to.
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
  const flows = new OutboundFlows(
    {
      router: options.router,
      names: options.names,
      inbound: "redir",
      ...flowLimits(options, world),
      deliver: ({ endpoint }, { address, payload }, posted) =>
        replies.post(payload, { from: address, to: endpoint }, posted),
    },
    world,
    report,
  );
  return serveDatagrams(
    socket,
    ({ payload, from, to }) => {
      report.received();
      if (to === undefined) report.dropped(NOT_REDIRECTED, from.host);
      else flows.send(clientAt(from), { address: to, payload });
    },
    () => {
      flows.end();
      replies.close();
      report.close(flows.overflown + socket.dropped);
    },
    world,
  );
}

/** A shared error, since it does not depend on the datagram. */
const NOT_REDIRECTED = new TransportError(
  "ERR_NET_UNREACHABLE",
  "Datagram was not redirected: its target is unknown",
);
