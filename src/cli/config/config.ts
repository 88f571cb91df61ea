/**
 * Turns command line, configuration file and URIs into the options of the
 * services. An option overrides a URI, a URI or a named server overrides the
 * file, and a server's own key overrides the common key of the file. All I/O is
 * done through `Sources`.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { isUnspecified, parseIp } from "../../codec/ip_address.ts";
import { isOnlineUrl } from "../../codec/sip008.ts";
import type { PanelNode } from "../../codec/uniproxy.ts";
import { redirectTargets } from "../../codec/ssr_redirect.ts";
import type { InboundProtocol } from "../../service/inbound/inbound.ts";
import type { LocalOptions } from "../../service/inbound/local.ts";
import type { GroupOptions } from "../../service/outbound/servers/options.ts";
import { uniqueNames } from "../../service/outbound/servers/server_group.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import { carriesStreams } from "../../service/plugin/options.ts";
import { notItself } from "../../service/routing/loop_guard.ts";
import type { LocalRoutes } from "../../service/routing/rule_router.ts";
import type { ServerOptions } from "../../service/server/server.ts";
import type { ServerKeys } from "../../session/family.ts";
import { shownText } from "../../text.ts";
import type { Redirection } from "../../transport.ts";
import type { Arguments } from "../options/args.ts";
import { DEFAULT_LOCAL, DEFAULT_SERVER_HOST } from "../commands/defaults.ts";
import { badOption } from "../options/option_value.ts";
import { REDIR } from "../settings/redir.ts";
import { PAC, SNIFF } from "../settings/local.ts";
import { BLIND, SSR } from "../settings/legacy.ts";
import type { ConfigObject } from "./config_file.ts";
import { balancerOf, checkShares, sharesOf } from "./balancer_settings.ts";
import {
  clientKeys,
  methodOf,
  ownerOf,
  prefixWarnings,
  serverKeys,
  usersIn,
} from "./credentials.ts";
import { allowsLegacy, checkLegacy } from "./legacy_gate.ts";
import {
  isForRedir,
  localFromOptions,
  type LocalSettings,
  localsFromFile,
} from "./local_settings.ts";
import { onlineObject } from "./online_settings.ts";
import {
  type OperatorSettings,
  operatorSettings,
} from "./operator_settings.ts";
import { localAddressWarning, outboundOf } from "./outbound_settings.ts";
import { checkSocketSettings } from "./socket_settings.ts";
import {
  checkPluginMode,
  linkedPlugin,
  pluginOf,
  pluginWarnings,
} from "./plugin_settings.ts";
import { panelObject, withPanel } from "./panel_settings.ts";
import { type Secret, Secrets, type Sources } from "./secrets.ts";
import {
  isLink,
  serverFromUri,
  type ServerSettings,
} from "./server_settings.ts";
import {
  checkDnsRoutes,
  type DnsSettings,
  dnsSettings,
  localDnsSettings,
} from "./dns_settings.ts";
import { LocalRules, ServerAcls } from "../routes/route_config.ts";
import { reachOf, targetPolicyOf } from "./target_settings.ts";
import { wayOf, withoutProgram } from "./native_plugin.ts";
import { checkWebSocket } from "./transport_settings.ts";
import { complete, fromBoth, merge } from "../settings/read.ts";
import { longestTimeout, SERVICE } from "../settings/service.ts";
import type { ServiceOptions } from "../../service/options.ts";
import { isWildcard } from "./values.ts";
import {
  findServers,
  listed,
  missing,
  portOf,
  present,
  readFile,
  upstreamEndpoint,
} from "./find_servers.ts";

/** A result, with warnings for the operator. */
export interface Configured<T> {
  readonly result: T;
  /** One sentence for each warning. */
  readonly warnings: readonly string[];
}

/** Options of the services to start, and of the program as a whole. */
export interface ConfiguredRole<T> extends Configured<T> {
  readonly operator: OperatorSettings;
}

/** The options of a local. */
export interface ConfiguredLocal
  extends Omit<LocalOptions, keyof ServiceOptions>, ServiceOptions {
  readonly balancer: GroupOptions;
  /** Rules of the locals that have no rules of their own. */
  readonly commonRoutes?: LocalRoutes;
  /** Set for a local that answers DNS and does nothing else. */
  readonly dns?: DnsSettings;
}

/** The options of a server, and the secrets from which its keys were made. */
export interface ConfiguredServer
  extends Omit<ServerOptions, keyof ServiceOptions>, ServiceOptions {
  /** Secret; must not be logged. */
  readonly secrets: ServerSecrets;
  /** The plugin in the links of clients; not set if there is none. */
  readonly linkedPlugin?: string;
  /** The targets that clients can reach, as text for comparison. */
  readonly reach: string;
}

/** Secrets as written in the configuration. */
export interface ServerSecrets {
  /** The server's own secret; not set if only users have secrets. */
  readonly own?: Secret | undefined;
  /**
   * Secrets by name of the user, if a user's password cannot be computed from
   * the key.
   */
  readonly users: ReadonlyMap<string, Secret>;
}

/**
 * Returns the options of a local: one service for each listening address.
 *
 * @param online The servers of the published list that was fetched.
 * @throws {ConfigError} With the place of the mistake.
 */
type ConfigureLocals = (
  args: Arguments,
  sources: Sources,
  online?: readonly ServerSettings[],
) => ConfiguredRole<ConfiguredLocal[]>;

/**
 * Returns the options of `umbra local`: one proxy for each listening address.
 *
 * @param online The servers of the published list that was fetched.
 * @throws {ConfigError} With the place of the mistake.
 */
export const configureLocal: ConfigureLocals = (args, sources, online) => {
  const file = readFile(args, sources);
  const pac = fromBoth(PAC, args, file?.object);
  const locals = configureLocals(
    args,
    sources,
    online,
    ({ protocol, isRedir, tcpRedir }) => {
      if (isRedir) return redirected(tcpRedir);
      if (tcpRedir === undefined) return present({ protocol });
      throw missing(
        '"tcp_redir" and "tcp_tproxy" are for redirected connections',
        'give "protocol": "redir" beside them, or start `umbra redir`',
      );
    },
    { isRouted: true },
  );
  const result = locals.result.map((local) => ({
    ...local,
    ...Object.keys(pac).length > 0 && local.redirected === undefined &&
      { pac: complete(PAC, pac) },
  }));
  checkDnsRoutes(dnsSettings(args, sources, result), result);
  return { ...locals, result };
};

/**
 * Returns the options of `umbra tunnel`: one tunnel for each listening address.
 *
 * @param online The servers of the published list that was fetched.
 * @throws {ConfigError} With the place of the mistake.
 */
export const configureTunnel: ConfigureLocals = (args, sources, online) => {
  if (localFromOptions(args).protocol !== undefined) {
    throw badOption("protocol", SSR.wire.kind.expected);
  }
  return configureLocals(args, sources, online, ({ protocol, tunnelTo }) => {
    if (typeof protocol === "object") return { protocol };
    if (tunnelTo !== undefined) return { protocol: { tunnelTo } };
    throw missing(
      "No target for the tunnel",
      'give -L HOST:PORT, or -c FILE with "tunnel_address"',
    );
  });
};

/**
 * Returns the options of `umbra redir` if the file is for libev's `ss-redir`,
 * else those of `umbra local`.
 */
export const configureLocalOrRedir: ConfigureLocals = (
  args,
  sources,
  online,
) => {
  const file = readFile(args, sources);
  const configure = file !== undefined && isForRedir(file.object)
    ? configureRedir
    : configureLocal;
  return configure(args, sources, online);
};

/**
 * @param tcp How the system redirects TCP; default: as in shadowsocks-libev and
 * -rust.
 */
function redirected(
  tcp: Redirection = REDIR.tcp.default!,
): Served {
  return { redirected: tcp };
}

/**
 * Returns the options of `umbra redir`: one service for each listening address,
 * or for each local that has the protocol `redir` in the file.
 *
 * @param online The servers of the published list that was fetched.
 * @throws {ConfigError} With the place of the mistake.
 */
export const configureRedir: ConfigureLocals = (args, sources, online) => {
  return configureLocals(
    args,
    sources,
    online,
    ({ tcpRedir }) => redirected(tcpRedir),
    {
      isRouted: true,
      choose: (all) => {
        const named = all.filter(({ isRedir, dns }) => isRedir || dns);
        return all.some(({ isRedir }) => isRedir) ? named : all;
      },
    },
  );
};

/** The protocol that a listening address serves. */
type Served = Partial<Pick<ConfiguredLocal, "protocol" | "redirected">>;

/** Differences between the commands that start locals. */
interface LocalsOptions {
  /** Chooses the locals of a file that are served; default: all. */
  choose?(locals: LocalSettings[]): LocalSettings[];
  /** True if routes apply; default: false. */
  readonly isRouted?: boolean;
}

/** @param servedBy Returns what a listening address serves. */
function configureLocals(
  args: Arguments,
  sources: Sources,
  online: readonly ServerSettings[] | undefined,
  servedBy: (local: LocalSettings) => Served,
  { choose = (locals) => locals, isRouted = false }: LocalsOptions = {},
): ConfiguredRole<ConfiguredLocal[]> {
  const file = readFile(args, sources);
  const secrets = new Secrets(sources, file);
  const found = findServers(args, file, secrets, online);
  if (found.servers.length === 0) {
    throw missing(
      "No server to connect to",
      "give -s HOST:PORT, an ss:// URI, the https:// address of a list, or " +
        `-c FILE with "server"${found.unnamed.hint}`,
    );
  }
  const fromFile = file && localsFromFile(file.object, secrets);
  const chosen = localFromOptions(args);
  const locals = choose(fromFile?.locals ?? [{}]);
  // An address on the command line replaces all locals of the file by one.
  const isOne = chosen.host !== undefined || chosen.port !== undefined;
  const proxies = locals.filter(({ dns }) => dns === undefined);
  const wanted = isOne ? [proxies[0] ?? {}] : locals;
  const all = listed(found, secrets);
  const legacy = checkLegacy(all, allowsLegacy(args, file?.object));
  const blind = isBlind(args, file?.object);
  if (blind && all.some(({ wire }) => wire !== "lightsocks")) {
    throw missing("--blind needs lightsocks", "leave it out");
  }
  const common = found.unnamed.service;
  const shares = sharesOf(found.servers, common?.mode);
  const servers = all.map((server, i) => ({
    ...upstreamOf(server, sources),
    ...(blind && { blind }),
    ...shares[i],
  }));
  const { balancer, warnings } = balancerOf(args, file);
  const timeout = longestTimeout(found.servers.map(({ service }) => service));
  const rules = isRouted
    ? new LocalRules(args, sources, uniqueNames(servers))
    : undefined;
  const result = wanted.map((local) => {
    const { protocol, redirected } = local.dns !== undefined
      ? {}
      : blind
      ? { protocol: TRANSLATED }
      : servedBy({
        protocol: chosen.protocol ?? local.protocol,
        tunnelTo: chosen.tunnelTo ?? local.tunnelTo,
        isRedir: chosen.protocol === undefined && local.isRedir === true,
        tcpRedir: chosen.tcpRedir ?? local.tcpRedir,
      });
    // Without a handshake, clients cannot send a password.
    const users = typeof protocol === "object" || redirected !== undefined
      ? undefined
      : chosen.users ?? local.users;
    // Redirected connections arrive at the address of their interface.
    const usual = redirected === undefined ? DEFAULT_LOCAL.host : "::";
    const listen = {
      host: chosen.host ?? local.host ?? usual,
      port: chosen.port ?? local.port ?? DEFAULT_LOCAL.port,
    };
    const dns = local.dns &&
      localDnsSettings(args, sources, { ...local.dns, listen });
    // Redirected connections carry an IP address only; sniffing finds the name.
    const { sniff = redirected !== undefined, override } = complete(
      SNIFF,
      merge(chosen.sniff, local.sniff),
    );
    // A tunnel has a fixed target, so routes do not apply to it.
    const isTunnel = typeof protocol === "object";
    const routes = isTunnel ? undefined : rules?.of(local.rules);
    return {
      listen,
      servers,
      balancer,
      ...present({ protocol, redirected, users, routes, dns }),
      ...present({ commonRoutes: rules?.common }),
      ...sniff && dns === undefined && !isTunnel && { sniff: { override } },
      ...complete(SERVICE, {
        ...merge(found.chosen, local.service, common),
        ...timeout,
      }),
    };
  });
  const operator = transportOf(
    operatorSettings("local", { args, file, secrets }),
    result,
  );
  const place = file?.name ?? "the command line";
  return {
    result,
    warnings: [
      ...found.warnings,
      ...legacy,
      ...checkSocketSettings(operator, args, file),
      ...pluginWarnings(all),
      ...(fromFile?.warnings ?? []),
      ...(rules?.warnings ?? []),
      ...prefixWarnings(all),
      ...wildcardWarnings(servers),
      ...warnings,
      ...new Set(
        result.flatMap(({ mode }) => checkShares(servers, mode, place)),
      ),
      ...found.servers.filter(({ service }) =>
        service?.mode === "tcp_and_udp" && common?.mode !== "tcp_and_udp"
      ).map(({ origin }) =>
        `ignored: ${origin}: mode: one mode holds for all servers of a local`
      ),
      ...found.servers.filter(({ acl }) => acl !== undefined).map((
        { origin },
      ) => `ignored: ${origin}: acl: it is for ss-server`),
      ...secrets.warnings,
    ],
    operator: {
      ...operator,
      ...present({
        outbound: outboundOf("local", args, file?.object),
      }),
    },
  };
}

/**
 * Returns the server of a link that is added to a running local. A link never
 * starts a program, even if it names a plugin.
 *
 * @throws {ConfigError} If the link is invalid, or its server cannot be used.
 */
export function upstreamOfLink(
  link: string,
  args: Arguments,
  sources: Sources,
): UpstreamServer {
  if (isOnlineUrl(link)) {
    throw missing(
      "The text is the address of a list of servers, not a link of one",
      "paste the ss:// link of one server, or name the list as online_config " +
        "in the configuration file",
    );
  }
  if (!isLink(link)) {
    throw missing(
      "The text is not the link of a server",
      "paste an ss:// link",
    );
  }
  const file = readFile(args, sources);
  const server = withoutPlugin(serverFromUri(link.trim()));
  checkLegacy([server], allowsLegacy(args, file?.object));
  return {
    ...upstreamOf(server, sources),
    ...sharesOf([server], undefined)[0],
  };
}

/**
 * @throws {ConfigError} If the server can be reached only with a plugin
 * program.
 */
function withoutPlugin(server: ServerSettings): ServerSettings {
  const { plugin } = server;
  if (!plugin?.name) return server;
  const { name, options = "" } = plugin;
  const transport = withoutProgram(`${name};${options}`, portOf(server));
  if (transport !== undefined) {
    return { ...server, plugin: undefined, transport };
  }
  throw missing(
    `${server.origin}: the plugin "${shownText(name)}" is a program, and a ` +
      "link must not start programs",
    "put the server into the configuration file",
  );
}

/**
 * Only Umbra's own sockets give the original target of a redirected connection.
 */
function transportOf(
  operator: OperatorSettings,
  locals: readonly Served[],
): OperatorSettings {
  if (locals.every(({ redirected }) => redirected === undefined)) {
    return operator;
  }
  if (operator.transport !== "runtime") {
    return { ...operator, transport: "linux" };
  }
  throw missing(
    "The runtime's sockets cannot give the original target of a redirected connection",
    'leave --transport runtime out, or "transport": "runtime"',
  );
}

/**
 * A wildcard address is for listening; a client that connects to it reaches its
 * own machine.
 */
function wildcardWarnings(servers: readonly UpstreamServer[]): string[] {
  const hosts = servers.map(({ endpoint }) => endpoint.host);
  return [...new Set(hosts.filter(isUnspecified))].map((host) =>
    `server ${host} is an address to listen on, not to connect to: give a ` +
    "server's file to `umbra server`; `umbra url -c FILE` prints the link " +
    "for a client"
  );
}

/** Returns the options for connecting to a server, without its weights. */
function upstreamOf(server: ServerSettings, sources: Sources): UpstreamServer {
  const { through } = server;
  const endpoint = upstreamEndpoint(server);
  return {
    endpoint,
    ...clientKeys(server),
    ...wayOf(server, endpoint.port, sources),
    ...(through && { through: upstreamOf(through, sources) }),
  };
}

/**
 * True if programs encrypt with lightsocks themselves and Umbra only forwards.
 */
function isBlind(args: Arguments, file: ConfigObject | undefined): boolean {
  return complete(BLIND, fromBoth(BLIND, args, file)).blind;
}

/** The placeholder for a target that only the program and the server know. */
const TRANSLATED: InboundProtocol = {
  tunnelTo: { host: "lightsocks.umbra.invalid", port: 1 },
};

/**
 * Returns the options of `umbra server`: one service for each address.
 *
 * @param node The settings from the panel that the file names.
 * @throws {ConfigError} With the place of the mistake.
 */
export function configureServer(
  args: Arguments,
  sources: Sources,
  node?: PanelNode,
): ConfiguredRole<ConfiguredServer[]> {
  const file = readFile(args, sources);
  const secrets = new Secrets(sources, file);
  const list = onlineObject(file?.object);
  if (list !== undefined) {
    throw missing(`${list.where()} is for ss-local`, "leave it out here");
  }
  const isOfPanel = panelObject(file?.object) !== undefined;
  const own = findServers(args, file, secrets);
  const found = isOfPanel ? withPanel(own, file!.object, node) : own;
  const reach = targetPolicyOf(args, file?.object);
  const all = withoutShadowed(listed(found, secrets));
  const legacy = checkLegacy(all, allowsLegacy(args, file?.object));
  if (legacy.length > 0 && reach.reach === "all") {
    throw missing(
      "With a legacy method, an attacker on the path can choose targets, so " +
        "not all private addresses can be allowed at once",
      "name blocks with --allow-private CIDR",
    );
  }
  if (localFromOptions(args).protocol !== undefined) {
    throw badOption("protocol", SSR.wire.kind.expected);
  }
  const operator = operatorSettings("server", { args, file, secrets });
  const acls = new ServerAcls(args, sources, file);
  const ports = all.map(atPort);
  checkRedirects(ports);
  const result = all.map((server, i) => {
    const plugin = pluginOf(server, sources);
    const service = complete(SERVICE, server.service ?? {});
    checkPluginMode(server, plugin, service.mode);
    checkWebSocket(server, service.mode);
    const routes = acls.of(server.acl);
    return {
      ...ports[i]!,
      ...present({ plugin, linkedPlugin: linkedPlugin(server.plugin) }),
      secrets: {
        // A copy: a reference to the original would keep the whole file in
        // memory.
        own: server.secret && { ...server.secret },
        users: new Map(
          // Methods of other kinds may have many users, whose passwords follow
          // from their keys.
          methodOf(server).userKind === "trial"
            ? usersIn(server).map(({ name, secret }) => [name, { ...secret }])
            : [],
        ),
      },
      ...reachOf(reach, server),
      ...(server.websocket && { websocket: server.websocket }),
      ...routes && { routes },
      ...service,
    };
  });
  checkListens(result);
  return {
    result,
    warnings: [
      ...found.warnings,
      ...legacy,
      ...pluginWarnings(all),
      ...result.flatMap(hiddenClients),
      ...secrets.warnings,
      ...checkSocketSettings(operator, args, file),
      ...acls.warnings,
      ...localAddressWarning(file?.object),
    ],
    operator: {
      ...operator,
      ...present({
        outbound: outboundOf("server", args, file?.object),
      }),
    },
  };
}

/**
 * Checks that no two servers accept WebSockets on one address: each server has
 * its own keys.
 */
function checkListens(servers: readonly ConfiguredServer[]): void {
  const taken = new Set<string>();
  for (const { websocket } of servers) {
    if (websocket === undefined) continue;
    const place = formatAddress(websocket.listen);
    if (taken.has(place)) {
      throw missing(
        `Several servers accept WebSockets on ${place}`,
        'give each of "servers" a "websocket" of its own, with one "server"',
      );
    }
    taken.add(place);
  }
}

/** The options that depend on the port and the method of a server. */
type AtPort =
  & Pick<
    ServerOptions,
    "listen" | "owner" | "connectionBytesPerSecond" | "redirect"
  >
  & ServerKeys;

function atPort(server: ServerSettings): AtPort {
  const port = portOf(server);
  const keys = serverKeys(server);
  const { redirect: entries = [], origin } = server;
  const { connectionBytesPerSecond = Infinity } = server;
  const redirect = redirectTargets(entries, port);
  if (redirect.length > 0 && keys.ssr === undefined) {
    throw missing(
      `${origin}: "redirect" is for ports of ShadowsocksR`,
      "leave it out; on other ports strangers get no answer",
    );
  }
  return {
    listen: { host: server.host ?? DEFAULT_SERVER_HOST, port },
    ...keys,
    ...present({ owner: ownerOf(server, keys.users) }),
    ...connectionBytesPerSecond < Infinity && { connectionBytesPerSecond },
    ...redirect.length > 0 && { redirect },
  };
}

/**
 * Checks that no port redirects strangers to this server: two such ports would
 * redirect a connection to each other without end.
 */
function checkRedirects(servers: readonly AtPort[]): void {
  for (const { redirect = [] } of servers) {
    for (const { host, port } of redirect) {
      const ip = host === "localhost" ? "127.0.0.1" : host;
      if (parseIp(ip) === undefined) continue;
      const own = servers.find(({ listen }) =>
        listen.port === port && notItself(listen.host)(ip) !== undefined
      );
      if (own === undefined) continue;
      throw missing(
        `Strangers cannot be redirected to ${formatAddress({ host, port })}, ` +
          "where this server listens",
        'name another site as "redirect"',
      );
    }
  }
}

/**
 * Returns warnings for settings that need the addresses of clients, which only
 * the plugin knows.
 */
function hiddenClients(
  { listen, plugin, users = [], maxConnectionsPerHost, bind, routes }:
    ConfiguredServer,
): string[] {
  if (!carriesStreams(plugin)) return [];
  const names = [
    ...maxConnectionsPerHost === Infinity ? [] : ["max_connections_per_host"],
    ...users.some(({ limits }) => limits?.maxHosts) ? ["max_hosts"] : [],
    ...bind ? ["bind"] : [],
    ...routes === undefined ? [] : ["rules of an ACL for clients"],
  ];
  return names.length === 0 ? [] : [
    `ignored for ${formatAddress(listen)}: ${names.join(", ")}: behind a ` +
    "plugin all clients come from one address",
  ];
}

/**
 * Removes `0.0.0.0` if `::` is there with the same port. libev's usual `["::",
 * "0.0.0.0"]` binds two sockets; Umbra's listener on `::` accepts IPv4 as well,
 * and a second listener would find the port in use.
 */
function withoutShadowed(
  servers: readonly ServerSettings[],
): readonly ServerSettings[] {
  return servers.filter((server) =>
    server.host !== DEFAULT_SERVER_HOST ||
    !servers.some(({ host = "", port }) =>
      host.includes(":") && isWildcard(host) && port === server.port
    )
  );
}
