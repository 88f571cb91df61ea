/**
 * A UDP port on this machine that leads to one port of a target behind the
 * server: `ss-tunnel -u -L host:port`.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import type { Endpoint } from "../../transport.ts";
import { bindPort } from "./late_socket.ts";
import { type Dependencies, type Service, withDefaults } from "../service.ts";
import { UdpReport } from "./udp_report.ts";
import { flowLimits } from "./flow_share.ts";
import { serveDatagrams } from "./receive_loop.ts";
import type { UdpOptions } from "../options.ts";
import type { Router } from "../outbound/outbound.ts";
import { clientAt, OutboundFlows } from "./outbound_flows.ts";

/** The options of a tunnel. */
export interface UdpTunnelOptions extends UdpOptions {
  /** The address that applications send to. */
  readonly listen: Endpoint;
  /** The target; the server resolves its name. */
  readonly target: Address;
  /** Chooses the way of datagrams. */
  readonly router: Router;
}

/**
 * Starts a tunnel.
 *
 * @throws {TransportError} If it cannot bind.
 */
export async function startUdpTunnel(
  options: UdpTunnelOptions,
  dependencies: Dependencies,
): Promise<Service> {
  const world = withDefaults(dependencies);
  const socket = await bindPort(options.listen, world);
  const report = new UdpReport(world);
  const flows = new OutboundFlows(
    {
      router: options.router,
      inbound: "tunnel",
      ...flowLimits(options, world),
      // Answers of any sender are delivered from the tunnel's own address.
      deliver: ({ endpoint }, { payload }, posted) =>
        socket.post(payload, endpoint, posted),
    },
    world,
    report,
  );
  return serveDatagrams(
    socket,
    ({ payload, from }) => {
      report.received();
      flows.send(clientAt(from), { address: options.target, payload });
    },
    () => {
      flows.end();
      report.close(flows.overflown + socket.dropped);
    },
    world,
  );
}
