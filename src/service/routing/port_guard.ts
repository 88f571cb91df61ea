/**
 * Refuses ports of targets that no client of a server may reach, whatever the
 * route.
 *
 * @module
 */
import { PolicyError } from "../../errors.ts";
import type { PortRange } from "../../routes/condition.ts";
import type { Outbound, Router, RouteRequest } from "../outbound/outbound.ts";

/** Refuses forbidden ports. Another router decides on all others. */
export class PortGuard implements Router {
  readonly #router: Router;
  readonly #forbidden: readonly PortRange[];

  /** @param forbidden Ranges of ports, over TCP and UDP. */
  constructor(router: Router, forbidden: readonly PortRange[]) {
    this.#router = router;
    this.#forbidden = forbidden;
  }

  /**
   * See {@link Router.choose}.
   *
   * @throws {PolicyError} `ERR_POLICY_TARGET`.
   */
  choose(request: RouteRequest): Outbound {
    const { host, port } = request.target;
    if (this.#forbidden.some(({ from, to }) => port >= from && port <= to)) {
      throw new PolicyError(
        "ERR_POLICY_TARGET",
        `Cannot reach ${host} port ${port}: forbidden by forbidden_port`,
      );
    }
    return this.#router.choose(request);
  }
}
