/**
 * `ss-local`: accepts SOCKS or HTTP from applications, and uses Shadowsocks to
 * a server. `local_connection.ts` serves the single connection.
 *
 * @module
 */
import { LOCAL_HANDSHAKE_TIMEOUT_MS } from "../../limits.ts";
import type { Authenticate } from "../../session/socks5/server_session.ts";
import type { Endpoint, Redirection } from "../../transport.ts";
import { serve } from "../accept_loop.ts";
import { SERVICE_DEFAULTS, type ServiceOptions } from "../options.ts";
import {
  everythingTo,
  type Outbound,
  type Router,
} from "../outbound/outbound.ts";
import { partsOf } from "../outbound/servers/parts.ts";
import type { GroupOptions } from "../outbound/servers/options.ts";
import {
  ServerGroup,
  type ServerGroupOptions,
} from "../outbound/servers/server_group.ts";
import { GuardedDirect } from "../routing/loop_guard.ts";
import { type LocalRoutes, RuleRouter } from "../routing/rule_router.ts";
import type { TargetNames } from "../routing/target_names.ts";
import { formatAddress } from "../../codec/address.ts";
import type { UpstreamServer } from "../outbound/shadowsocks.ts";
import {
  acceptShare,
  type Dependencies,
  type Service,
  withDefaults,
} from "../service.ts";
import { UdpLocal } from "../udp/udp_local.ts";
import { besideListener, joined } from "../both_networks.ts";
import { flowShare } from "../udp/flow_share.ts";
import { redirInbound } from "../redir/redir_inbound.ts";
import { startUdpRedir } from "../redir/udp_redir.ts";
import { startUdpTunnel } from "../udp/udp_tunnel.ts";
import type { Inbound, InboundProtocol } from "./inbound.ts";
import { type ConnectionLocal, LocalConnection } from "./local_connection.ts";
import { inboundFor } from "./protocols.ts";
import {
  PAC_DEFAULTS,
  pacServer,
  type PacSettings,
  type ServePac,
} from "./proxy_pac.ts";
import { SilenceHint } from "./silence_hint.ts";
import type { SniffOptions } from "./sniff.ts";
import { type SocksUser, userCheck } from "./socks5.ts";

/** The options of a local proxy. */
export interface LocalOptions extends Partial<ServiceOptions> {
  /** The address that applications connect to. */
  readonly listen: Endpoint;
  /** The servers, at least one. While one fails, another is used. */
  readonly servers: readonly UpstreamServer[];
  /** Options for choosing and probing servers. */
  readonly balancer?: Partial<GroupOptions>;
  /**
   * If set, the group that `servers` and `balancer` belong to. It may be
   * shared, and the caller owns it.
   */
  readonly group?: ServerGroup | undefined;
  /** The protocol for applications; default `mixed`. */
  readonly protocol?: InboundProtocol;
  /**
   * If not empty, only these users may connect, by SOCKS5 or HTTP. Default: no
   * password is required.
   */
  readonly users?: readonly SocksUser[];
  /**
   * If set, there is no handshake: the system redirects connections here in
   * this way, and datagrams by `tproxy`. The transport needs
   * `Capabilities.redirection`.
   */
  readonly redirected?: Redirection | undefined;
  /** The routes; default: everything goes through a server. */
  readonly routes?: LocalRoutes | undefined;
  /** Settings of the PAC file. */
  readonly pac?: PacSettings;
  /** The names of addresses; default: none are known. */
  readonly names?: TargetNames | undefined;
  /**
   * If set, and the target is an address, routes get the name that the client
   * sends in TLS or HTTP. Default: not set.
   */
  readonly sniff?: SniffOptions | undefined;
  /** Milliseconds for the handshake; default 30,000. */
  readonly handshakeTimeoutMs?: number;
}

const DEFAULTS = {
  ...SERVICE_DEFAULTS,
  protocol: "mixed",
  users: [],
  balancer: {},
  group: undefined,
  redirected: undefined,
  routes: undefined,
  pac: PAC_DEFAULTS,
  names: undefined,
  sniff: undefined,
  handshakeTimeoutMs: LOCAL_HANDSHAKE_TIMEOUT_MS,
} as const;

/** A running local. */
export interface LocalService extends Service {
  /**
   * Replaces the servers for new connections and flows; open ones stay.
   *
   * @param servers In the order of preference.
   * @throws {RangeError} If there is none; nothing has changed then.
   */
  setServers(servers: readonly UpstreamServer[]): void;
  /**
   * Replaces the routes for new connections and flows; open ones stay.
   *
   * @param routes Default: everything goes through a server.
   */
  setRoutes(routes?: LocalRoutes): void;
}

/**
 * Starts a local proxy.
 *
 * @throws {TransportError} If it cannot listen.
 * @throws {RangeError} If there is no server.
 */
export async function startLocal(
  given: LocalOptions,
  dependencies: Dependencies,
): Promise<LocalService> {
  const world = withDefaults(dependencies);
  const options: Required<LocalOptions> = { ...DEFAULTS, ...given };
  const local = new Local(options, world);
  const service = await listen(local, options, world);
  return {
    address: service.address,
    stop: (graceMs) => {
      local.stop();
      return service.stop(graceMs);
    },
    setServers: (servers) => local.setServers(servers),
    setRoutes: (routes) => local.setRoutes(routes),
  };
}

async function listen(
  local: Local,
  options: Required<LocalOptions>,
  world: Required<Dependencies>,
): Promise<Service> {
  const { mode, protocol, redirected } = options;
  const flows = flowShare(options, world);
  // Only SOCKS has a request for UDP, which arrives over TCP.
  const asks = typeof protocol === "string" && redirected === undefined;
  if (mode === "udp_only" && !asks) {
    return await local.startUdp(options.listen, flows);
  }
  const listener = await world.transport.listen(options.listen, {
    reusePort: world.sharePorts,
    redirected,
  });
  const { address } = listener;
  const udp = mode !== "tcp_only"
    ? await besideListener(listener, () => local.startUdp(address, flows))
    : undefined;
  const tcp = serve(
    listener,
    acceptShare(options, world, flows),
    (accepted, signal) =>
      new LocalConnection(
        accepted.connection,
        local,
        signal,
        redirected && redirInbound(accepted),
      ).serve(),
    world,
  );
  return udp === undefined ? tcp : joined(tcp, udp);
}

class Local implements ConnectionLocal {
  readonly options: Required<LocalOptions>;
  readonly inbound: Inbound;
  readonly inboundName: string;
  readonly authenticate: Authenticate | undefined;
  readonly router: Router;
  readonly pac: ServePac | undefined;
  readonly names: TargetNames | undefined;
  readonly silence: SilenceHint;
  readonly world: Required<Dependencies>;
  readonly #group: ServerGroup;
  #router: Router & { stop?(): void };
  #routes: LocalRoutes | undefined;
  #udp: UdpLocal | undefined;

  constructor(
    options: Required<LocalOptions>,
    world: Required<Dependencies>,
  ) {
    const { protocol, users } = options;
    this.options = options;
    this.world = world;
    this.names = options.names;
    this.#group = options.group ??
      new ServerGroup(options.servers, groupOptions(options), world);
    this.#routes = options.routes;
    this.#router = this.#routed(options.routes);
    const { host } = options.listen;
    this.pac = protocol === "socks"
      ? undefined
      : pacServer({ host, users }, options.pac, () => this.#routes);
    this.router = { choose: (request) => this.#router.choose(request) };
    this.inbound = inboundFor(protocol);
    this.inboundName = options.redirected !== undefined
      ? "redir"
      : typeof protocol === "string"
      ? protocol
      : "tunnel";
    this.authenticate = users.length > 0 ? userCheck(users) : undefined;
    this.silence = new SilenceHint(world);
  }

  get udp(): UdpLocal | undefined {
    return this.#udp;
  }

  /** Set only if routes or the server use the name. */
  get sniff(): SniffOptions | undefined {
    const { sniff } = this.options;
    return sniff?.override || this.#routes !== undefined ? sniff : undefined;
  }

  setServers(servers: readonly UpstreamServer[]): void {
    this.#group.replace(servers);
  }

  setRoutes(routes?: LocalRoutes): void {
    this.#routes = routes;
    const before = this.#router;
    this.#router = this.#routed(routes);
    before.stop?.();
  }

  /** Serves UDP, for a tunnel, a redirection or SOCKS associations. */
  async startUdp(listen: Endpoint, maxFlows: number): Promise<Service> {
    const { protocol, redirected } = this.options;
    const options = { ...this.options, listen, maxFlows, router: this.router };
    if (redirected !== undefined) {
      return await startUdpRedir(options, this.world);
    }
    if (typeof protocol === "object") {
      const target = protocol.tunnelTo;
      return await startUdpTunnel({ ...options, target }, this.world);
    }
    this.#udp = await UdpLocal.start(options, this.world);
    return this.#udp.service;
  }

  /** Stops the probes, unless the group is shared. */
  stop(): void {
    this.#router.stop?.();
    if (this.options.group === undefined) this.#group.stop();
  }

  #routed(routes: LocalRoutes | undefined): Router & { stop?(): void } {
    if (routes === undefined) return everythingTo(this.#group);
    const { listen, connectTimeoutMs } = this.options;
    const direct = new GuardedDirect(listen, connectTimeoutMs, this.world);
    const ways = new Map<string, Outbound>([
      ["proxy", this.#group],
      ["direct", direct],
      ...partsOf(this.#group, routes),
    ]);
    const inbound = formatAddress(listen);
    return new RuleRouter(routes, ways, inbound, this.world, this.names);
  }
}

function groupOptions(
  { balancer, connectTimeoutMs }: Required<LocalOptions>,
): ServerGroupOptions {
  return { ...balancer, connectTimeoutMs };
}
