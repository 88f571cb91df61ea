/**
 * `ss-local`: speaks SOCKS or HTTP to applications and Shadowsocks to a server.
 * What becomes of a connection is in `local_connection.ts`.
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
  /** The address for applications. */
  readonly listen: Endpoint;
  /** The servers, at least one; another is used while one does not work. */
  readonly servers: readonly UpstreamServer[];
  /** The choice and the probes of servers. */
  readonly balancer?: Partial<GroupOptions>;
  /**
   * Set: `servers` and `balancer` are those of this group, which others share.
   * It stays the caller's.
   */
  readonly group?: ServerGroup | undefined;
  /** The protocol for applications; default `mixed`. */
  readonly protocol?: InboundProtocol;
  /**
   * Set: only these may use it, which leaves SOCKS5 and HTTP. Not set, or
   * empty: everybody may.
   */
  readonly users?: readonly SocksUser[];
  /**
   * Set: nothing is spoken with applications, since the system redirects their
   * connections here in this way, and their datagrams by `tproxy`. The
   * transport needs `Capabilities.redirection`.
   */
  readonly redirected?: Redirection | undefined;
  /** Which way each target takes; default: through a server. */
  readonly routes?: LocalRoutes | undefined;
  /** The PAC file, and who may have it. */
  readonly pac?: PacSettings;
  /** Knows the names behind addresses; default: none is known. */
  readonly names?: TargetNames | undefined;
  /**
   * Set: of a target that is an address, routes see the name that the client
   * says first, in TLS or HTTP. Not set by default.
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
   * Uses other servers for new connections and flows; open ones are not touched.
   *
   * @param servers The preferred one first.
   * @throws {RangeError} When there is none; nothing has changed then.
   */
  setServers(servers: readonly UpstreamServer[]): void;
  /**
   * Uses other routes for new connections and flows; open ones are not touched.
   *
   * @param routes Default: everything goes through a server.
   */
  setRoutes(routes?: LocalRoutes): void;
}

/**
 * Starts a local proxy.
 *
 * @throws {TransportError} When it cannot listen.
 * @throws {RangeError} When there is no server.
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
  // SOCKS asks for UDP over TCP; others do not ask.
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

  /** Set where the name makes a difference. */
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

  /** Serves UDP: a tunnel's, or that of associations. */
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

  /** Probes no more, unless others do. */
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
