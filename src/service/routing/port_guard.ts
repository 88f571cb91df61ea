/**
 * Refuses ports of targets that no client of a server may reach, whatever the
 * route.
 *
 * @module
 */
import { PolicyError } from "../../errors.ts";
import type { PortRange } from "../../routes/condition.ts";
import type { Outbound, Router, RouteRequest } from "../outbound/outbound.ts";

/**
 * Refuses forbidden ports; another router decides on all others. The router
 * throws {@link PolicyError} `ERR_POLICY_TARGET`.
 *
 * @param forbidden Ranges of ports, over TCP and UDP.
 */
export function portGuard(
  router: Router,
  forbidden: readonly PortRange[],
): Router {
  return {
    choose(request: RouteRequest): Outbound {
      const { host, port } = request.target;
      if (forbidden.some(({ from, to }) => port >= from && port <= to)) {
        throw new PolicyError(
          "ERR_POLICY_TARGET",
          `Cannot reach ${host} port ${port}: forbidden by forbidden_port`,
        );
      }
      return router.choose(request);
    },
  };
}
