/**
 * `ss-server`: decrypts the traffic of clients and relays it to their targets,
 * over TCP and UDP with one table of users. `client_connection.ts` serves one
 * connection, `udp_server.ts` serves datagrams.
 *
 * @module
 */
import type { Address } from "../../codec/address.ts";
import { SERVER_HANDSHAKE_TIMEOUT_MS } from "../../limits.ts";
import {
  anyTarget,
  inBlocks,
  type TargetPolicy,
} from "../../security/target_policy.ts";
import { serverProtocol } from "../../session/families.ts";
import type { ServerKeys, ServerProtocol } from "../../session/family.ts";
import { formatAddress } from "../../codec/address.ts";
import { checkDistinct, type ServerUser } from "../../session/server_user.ts";
import type { Endpoint } from "../../transport.ts";
import { type ConnectionLimits, serve } from "../accept_loop.ts";
import {
  startWebSockets,
  type WebSocketServerOptions,
} from "../carriers/websocket/server.ts";
import type { LimitedUser } from "./account.ts";
import { Accounts } from "./accounts.ts";
import {
  ClientConnection,
  type ConnectionServer,
  type ServingOptions,
} from "./client_connection.ts";
import { Direct } from "../outbound/direct.ts";
import {
  type AcceptOptions,
  SERVICE_DEFAULTS,
  type ServiceOptions,
} from "../options.ts";
import { everythingTo, type Router } from "../outbound/outbound.ts";
import type { PortRange } from "../../routes/condition.ts";
import { portGuard } from "../routing/port_guard.ts";
import { type ServerRoutes, ServerRules } from "../routing/server_rules.ts";
import { behind, findFront } from "../plugin/front.ts";
import { carriesStreams, type PluginOptions } from "../plugin/options.ts";
import { Plugin, type PluginStatus } from "../plugin/plugin.ts";
import {
  acceptShare,
  type Dependencies,
  type Service,
  withDefaults,
} from "../service.ts";
import { startUdpServer, type UdpServerService } from "../udp/udp_server.ts";
import { besideListener, besideService, joined } from "../both_networks.ts";
import { flowShare } from "../udp/flow_share.ts";

/** The options of a server. */
export interface ServerOptions extends ServerKeys, Partial<ServiceOptions> {
  /** The address that clients connect to. */
  readonly listen: Endpoint;
  /** The address and the paths for WebSockets; default: none. */
  readonly websocket?: WebSocketServerOptions | undefined;
  /** The plugin that clients connect to; default: none. */
  readonly plugin?: PluginOptions | undefined;
  /** The policy for targets; default: every target is allowed. */
  readonly targetPolicy?: TargetPolicy;
  /** Ports of targets that no client reaches; default: none. */
  readonly forbiddenPorts?: readonly PortRange[] | undefined;
  /** Further rules about clients and targets; default: all are allowed. */
  readonly routes?: ServerRoutes | undefined;
  /** Milliseconds for a valid request, lengthened at random; default 60,000. */
  readonly handshakeTimeoutMs?: number;
  /**
   * The user that clients without a name are counted for. Default: none,
   * without limits.
   */
  readonly owner?: LimitedUser | undefined;
  /** Rate of each TCP connection; see {@link ServingOptions}. Default: none. */
  readonly connectionBytesPerSecond?: number | undefined;
  /** Sites for invalid requests; see {@link ServingOptions}. Default: none. */
  readonly redirect?: readonly Address[] | undefined;
  /**
   * Counts usage. A caller that passes accounts must keep them in line with the
   * users. Default: accounts of the server's own.
   */
  readonly accounts?: Accounts;
}

/** All options with their defaults, except accounts and keys. */
type CompleteOptions = ServerOptions & ServiceOptions & ServingOptions;

const DEFAULTS = {
  ...SERVICE_DEFAULTS,
  targetPolicy: anyTarget,
  handshakeTimeoutMs: SERVER_HANDSHAKE_TIMEOUT_MS,
} as const;

/**
 * The options that can change while a server runs: all but addresses and
 * transports.
 */
export type ServerChange = Omit<
  ServerOptions,
  | "listen"
  | "websocket"
  | "mode"
  | "plugin"
  | "accounts"
  | "maxFlows"
  | keyof AcceptOptions
>;

/** A running server. */
export interface ServerService extends Service {
  /**
   * Replaces keys, users, limits, policy and times. Only connections of users
   * that are removed or disabled end.
   *
   * @throws {RangeError} As `startServer()`; nothing has changed then.
   */
  update(change: ServerChange): void;
  /**
   * Replaces one user; see {@link ServerProtocol.replaceUser}.
   *
   * @throws {RangeError} As `startServer()`; nothing has changed then.
   */
  replaceUser(old: ServerUser | undefined, next: ServerUser | undefined): void;
  /** The plugin in front of it; not set if there is none. */
  readonly plugin?: PluginStatus | undefined;
}

/**
 * Checks that a server can be started with these keys and users.
 *
 * @throws {RangeError} As `startServer()`.
 */
export function checkServer(
  keys: ServerKeys,
  dependencies: Dependencies,
): void {
  const forgetful = {
    remembers: () => true,
    add: () => true,
    remember: () => {},
  };
  const world = withDefaults(dependencies);
  const { method, users = [] } = keys;
  // The table of users is built once, when they are served; here, one user is
  // enough.
  const hasTable = method.userKind === "identity";
  if (hasTable) checkDistinct(users);
  serverProtocol(
    { ...keys, users: hasTable ? users.slice(0, 1) : users },
    { ...world, replayFilter: forgetful },
  );
}

/**
 * Starts a server. With a plugin, it waits until the plugin listens or has
 * failed for the first time.
 *
 * @throws {TransportError} If it cannot listen.
 * @throws {RangeError} If keys are missing, users have the same key, or
 * `proxyFrom` contains something other than addresses.
 */
export async function startServer(
  given: ServerOptions,
  dependencies: Dependencies,
): Promise<ServerService> {
  const world = withDefaults(dependencies);
  const options: CompleteOptions = { ...DEFAULTS, ...given };
  // Checks the addresses before anything listens.
  inBlocks(options.proxyFrom);
  const server = new Server(options, world);
  if (options.plugin === undefined) {
    return (await startServing(options, options.listen, server)).service;
  }
  const front = await findFront(
    options.listen,
    options.plugin,
    world.transport,
  );
  const { service, local } = await startServing(options, front, server);
  const place = { server: formatAddress(front), remote: front, local };
  const plugin = new Plugin(options.plugin, place, world);
  plugin.start();
  await plugin.tried();
  return withPlugin(service, plugin);
}

/** The running service, and the address that a plugin connects to. */
interface Serving {
  readonly service: ServerService;
  readonly local: Endpoint;
}

/** @param front The address that clients connect to. */
async function startServing(
  options: CompleteOptions,
  front: Endpoint,
  server: Server,
): Promise<Serving> {
  const { mode, plugin } = options;
  const { accounts, protocol, world } = server;
  const router: Router = { choose: (request) => server.router.choose(request) };
  const shared = { ...options, accounts, protocol, router };
  const { streams, datagrams } = behind(front, plugin);
  if (mode === "udp_only") {
    const listen = datagrams();
    const udp = await startUdpServer({ ...shared, listen }, world);
    const { address: local } = udp;
    const all = await withWebSockets(udp, server, udp, options);
    return { service: withUpdate(all, server, udp), local };
  }
  const listener = await world.transport.listen(streams, {
    reusePort: world.sharePorts,
  });
  const { address } = listener;
  const maxFlows = flowShare(options, world);
  const listen = plugin === undefined ? address : datagrams(address.port);
  const udp = mode !== "tcp_only"
    ? await besideListener(
      listener,
      () => startUdpServer({ ...shared, listen, maxFlows }, world),
    )
    : undefined;
  const limits = {
    ...acceptLimits(options, world),
    // Behind a plugin, all clients have the same address.
    ...carriesStreams(plugin) && NOBODY_NAMED,
  };
  const tcp = serve(
    listener,
    limits,
    ({ connection }, signal, place) =>
      new ClientConnection(connection, server, { signal, place }).serve(),
    world,
  );
  const both = udp === undefined ? tcp : joined(tcp, udp);
  const all = await withWebSockets(both, server, udp, options);
  return {
    service: withUpdate(all, server, udp),
    local: udp !== undefined && !carriesStreams(plugin) ? udp.address : address,
  };
}

/**
 * Limits for connections that come from a local program, whose address
 * identifies no client.
 */
const NOBODY_NAMED = { maxPerHost: undefined, isProxy: undefined } as const;

/** Adds the WebSockets of a service, if they are configured. */
async function withWebSockets(
  service: Service,
  server: Server,
  udp: UdpServerService | undefined,
  options: CompleteOptions,
): Promise<Service> {
  const { websocket } = options;
  if (websocket === undefined) return service;
  // All of these connections come from the web server.
  const limits = { ...acceptLimits(options, server.world), ...NOBODY_NAMED };
  return await besideService(
    service,
    () => startWebSockets(websocket, { server, udp }, limits),
  );
}

/**
 * Halves the limit of connections if there are WebSockets, which get the other
 * half.
 */
function acceptLimits(
  options: CompleteOptions,
  world: Required<Dependencies>,
): ConnectionLimits {
  const share = acceptShare(options, world, flowShare(options, world));
  const maxConnections = options.websocket === undefined
    ? share.maxConnections
    : Math.ceil(share.maxConnections / 2);
  return { ...share, maxConnections, maxStrangers: maxConnections };
}

/** Returns the service with the plugin's address, and stops both. */
function withPlugin(service: ServerService, plugin: Plugin): ServerService {
  return {
    address: plugin.place.remote,
    async stop(graceMs): Promise<void> {
      await service.stop(graceMs);
      await plugin.stop();
    },
    release: () => plugin.stop(),
    update: (change) => service.update(change),
    replaceUser: (old, next) => service.replaceUser(old, next),
    get plugin(): PluginStatus {
      return plugin.status;
    },
  };
}

function withUpdate(
  service: Service,
  server: Server,
  udp: UdpServerService | undefined,
): ServerService {
  return {
    address: service.address,
    stop: (graceMs) => service.stop(graceMs),
    update(change): void {
      const { udpTimeoutMs, routes, owner } = server.update(change);
      const { protocol } = server;
      udp?.update({ udpTimeoutMs, routes, owner, protocol });
    },
    replaceUser: (old, next) => server.replaceUser(old, next),
  };
}

class Server implements ConnectionServer {
  /** The accounts, for both TCP and UDP. */
  readonly accounts: Accounts;
  readonly world: Required<Dependencies>;
  #options: CompleteOptions;
  #protocol: ServerProtocol;
  #router: Router;
  readonly #ownsAccounts: boolean;

  constructor(options: CompleteOptions, world: Required<Dependencies>) {
    this.#options = options;
    this.world = world;
    this.#ownsAccounts = options.accounts === undefined;
    this.accounts = options.accounts ??
      new Accounts(everyUser(options), world.clock);
    this.#protocol = this.#speak(options);
    this.#router = this.#direct(options);
  }

  get options(): ServingOptions {
    return this.#options;
  }

  /** The protocol, for both TCP and UDP; a new key makes a new one. */
  get protocol(): ServerProtocol {
    return this.#protocol;
  }

  get router(): Router {
    return this.#router;
  }

  /** @returns The options that apply from now on. */
  update(change: ServerChange): CompleteOptions {
    const { listen } = this.#options;
    const next: CompleteOptions = { ...DEFAULTS, ...change, listen };
    if (sameKey(this.#options, next)) {
      this.#protocol.setUsers(next.users ?? []);
    } else {
      this.#protocol = this.#speak(next);
    }
    if (this.#ownsAccounts) this.accounts.set(everyUser(next));
    this.#router = this.#direct(next);
    this.#options = next;
    return next;
  }

  replaceUser(
    old: ServerUser | undefined,
    next: ServerUser | undefined,
  ): void {
    this.#protocol.replaceUser(old, next);
    if (!this.#ownsAccounts) return;
    if (next !== undefined) this.accounts.put(next);
    else if (old !== undefined) this.accounts.remove(old.name);
  }

  #direct(options: CompleteOptions): Router {
    const { targetPolicy: policy, connectTimeoutMs, routes } = options;
    const { forbiddenPorts = [] } = options;
    const router = routes === undefined
      ? everythingTo(new Direct({ policy, connectTimeoutMs }, this.world))
      : new ServerRules(routes, policy, connectTimeoutMs, this.world);
    return forbiddenPorts.length === 0
      ? router
      : portGuard(router, forbiddenPorts);
  }

  #speak(keys: ServerKeys): ServerProtocol {
    const { replayMemory } = keys.method.family;
    const replayFilter = this.world.replayFilter(replayMemory);
    return serverProtocol(keys, { ...this.world, replayFilter });
  }
}

/** Returns all users that have an account. */
export function everyUser(
  { users = [], owner }: Pick<ServerOptions, "users" | "owner">,
): LimitedUser[] {
  return owner === undefined ? [...users] : [...users, owner];
}

function sameKey(one: ServerKeys, other: ServerKeys): boolean {
  return one.method === other.method &&
    one.masterKey?.join() === other.masterKey?.join() &&
    JSON.stringify(one.ssr) === JSON.stringify(other.ssr);
}
