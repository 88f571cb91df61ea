/**
 * The plans of a local proxy and of the DNS inbound beside it: how they are
 * started, and what a changed configuration means for a running one.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import type { LogFields } from "../../observe.ts";
import { type DnsService, startDns } from "../../service/dns/dns_inbound.ts";
import { formatResolver } from "../../service/dns/dns_resolver.ts";
import type { LocalNames } from "../../service/dns/local_names.ts";
import { describeProtocol } from "../../service/inbound/protocols.ts";
import { type LocalService, startLocal } from "../../service/inbound/local.ts";
import type { LocalRoutes } from "../../service/routing/rule_router.ts";
import type { Dependencies, Service } from "../../service/service.ts";
import type { ServerGroup } from "../../service/outbound/servers/server_group.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import type { Endpoint } from "../../transport.ts";
import type { ConfiguredLocal } from "../config/config.ts";
import type { DnsSettings } from "../config/dns_settings.ts";
import { describeMethod } from "../config/legacy_gate.ts";
import type { Changes, PlannedService } from "./fleet.ts";
import { same } from "./same.ts";
import { SERVICE } from "../settings/service.ts";
import { listensAgain, TRAFFIC } from "./server_plan.ts";
import { settingChanges } from "./setting_changes.ts";
import { runtimeName } from "../../adapters/system/runtime.ts";

/** The plan of one address of `ss-local`, `ss-tunnel` or `ss-redir`. */
export class LocalPlan implements PlannedService {
  readonly key: string;
  readonly portOption = "-l";
  readonly privilege: string | undefined;
  /** The options from the configuration. */
  readonly options: ConfiguredLocal;
  readonly #role: string;
  readonly #world: Dependencies;
  readonly #group: ServerGroup;

  /**
   * Creates the plan; nothing runs yet.
   *
   * @param group The servers, which are shared with other plans.
   */
  constructor(
    options: ConfiguredLocal,
    world: Dependencies,
    group: ServerGroup,
  ) {
    this.options = options;
    this.#world = world;
    this.#group = group;
    const { protocol = "mixed", redirected, listen } = options;
    this.#role = redirected !== undefined
      ? "ss-redir"
      : typeof protocol === "string"
      ? "ss-local"
      : "ss-tunnel";
    this.privilege = redirected && TPROXY;
    this.key = `${this.#role} ${formatAddress(listen)}`;
  }

  get listen(): Endpoint {
    return this.options.listen;
  }

  /** Does nothing: reading the configuration has found all mistakes. */
  check(): void {}

  start(): Promise<Service> {
    return startLocal({ ...this.options, group: this.#group }, this.#world);
  }

  /**
   * Adopts the routes. The servers are those of the group, which changes
   * itself.
   */
  adopt(running: Service): void {
    (running as LocalService).setRoutes(this.options.routes);
  }

  describe(address: string): { message: string; fields: LogFields } {
    const {
      servers,
      users = [],
      protocol = "mixed",
      mode = "tcp_only",
      redirected,
    } = this.options;
    const spoken = redirected === undefined
      ? describeProtocol(protocol, users.length > 0)
      : `TCP by ${redirected}`;
    const methods = new Set(servers.map(describeMethod));
    const names = servers.map((server) =>
      formatAddress(server.endpoint) +
      (server.transport === undefined ? "" : " by WebSocket") +
      (server.plugin ? ` by plugin ${server.plugin.name}` : "") +
      (methods.size > 1 ? ` (${describeMethod(server)})` : "")
    );
    const method = [...methods].join(", ");
    return {
      message: `${this.#role} listening on ${address}, ${spoken}` +
        `, server ${names.join(" or ")}, method ${method}, ` +
        `${TRAFFIC[mode]}runtime ${runtimeName()}`,
      fields: {
        role: this.#role,
        address,
        protocol: spoken,
        server: names.join(" "),
        method,
        mode,
        runtime: runtimeName(),
      },
    };
  }

  changesSince(before: PlannedService): Changes {
    const { options: old } = before as LocalPlan;
    const next = this.options;
    const { adopted, listening } = settingChanges(SERVICE, old, next);
    const changes = [
      ...adopted,
      ...listening,
      ...same(old.protocol, next.protocol) ? [] : ["another protocol"],
      ...old.redirected === next.redirected ? [] : ["another way to redirect"],
      ...same(old.users, next.users) ? [] : ["other users"],
      ...same(old.pac, next.pac) ? [] : ["another PAC file"],
      ...same(old.sniff, next.sniff) ? [] : ["other sniffing"],
    ];
    return {
      restart: changes.length > 0,
      sentences: [
        ...listensAgain(changes),
        ...serverChanges(old, next),
      ],
    };
  }
}

const TPROXY = "TPROXY needs CAP_NET_RAW: setcap cap_net_raw+ep PROGRAM, or " +
  "AmbientCapabilities=CAP_NET_RAW";

/** The settings of a DNS inbound, and what it shares with locals. */
export interface PlannedDns extends DnsSettings {
  /** Records the answers to programs. */
  readonly names: LocalNames | undefined;
}

/** The plan of a DNS inbound, which asks through the servers of the locals. */
export class DnsPlan implements PlannedService {
  readonly key: string;
  readonly portOption = "--dns-listen";
  readonly listen: Endpoint;
  readonly #settings: PlannedDns;
  readonly #local: ConfiguredLocal;
  readonly #world: Dependencies;
  readonly #group: ServerGroup;

  /**
   * Creates the plan; nothing runs yet.
   *
   * @param locals The local that answers DNS itself, or the locals beside the
   * inbound.
   * @param group The servers, which are shared with other plans.
   */
  constructor(
    settings: PlannedDns,
    locals: readonly ConfiguredLocal[],
    world: Dependencies,
    group: ServerGroup,
  ) {
    this.#group = group;
    this.#settings = settings;
    const { dns, routes, commonRoutes } = locals[0]!;
    const obeyed = dns === undefined
      ? commonRoutes ?? locals.find(({ routes }) => routes)?.routes
      : routes;
    this.#local = { ...locals[0]!, routes: obeyed };
    this.#world = world;
    this.listen = settings.listen;
    this.key = `dns ${formatAddress(settings.listen)}`;
  }

  /** The rules for names; not set if there are none. */
  get routes(): LocalRoutes | undefined {
    return this.#local.routes;
  }

  /** Does nothing: reading the configuration has found all mistakes. */
  check(): void {}

  start(): Promise<Service> {
    const { udpTimeoutMs, maxFlows, routes } = this.#local;
    const { resolver, direct, directNow, names, fake } = this.#settings;
    return startDns({
      listen: this.listen,
      resolver,
      direct: directNow?.() ?? direct,
      directNow,
      names,
      routes,
      ...fake && { isTrue: (name) => fake.isTrue(name) },
      ownNames: this.#ownNames,
      servers: this.#servers,
      group: this.#group,
      ...(udpTimeoutMs && { udpTimeoutMs }),
      ...(maxFlows && { maxFlows }),
    }, this.#world);
  }

  /** Does nothing: the servers are those of the group, which changes itself. */
  adopt(running: Service): void {
    const dns = running as DnsService;
    dns.setRoutes(this.#local.routes);
    dns.setOwnNames(this.#ownNames);
  }

  describe(address: string): { message: string; fields: LogFields } {
    const resolver = formatResolver(this.#settings.resolver);
    return {
      message: `DNS listening on ${address}, UDP and TCP, asks ${resolver} ` +
        `through ${namesOf(this.#servers)}`,
      fields: { role: "dns", address, resolver },
    };
  }

  changesSince(before: PlannedService): Changes {
    const old = before as DnsPlan;
    const restart = !same(
      [old.#settings, old.#local.udpTimeoutMs, old.#local.maxFlows],
      [this.#settings, this.#local.udpTimeoutMs, this.#local.maxFlows],
    );
    return {
      restart,
      sentences: [
        ...restart ? listensAgain(["other settings of UDP or DNS"]) : [],
        ...serverChanges(old.#local, this.#local),
      ],
    };
  }

  get #servers(): readonly UpstreamServer[] {
    return this.#local.servers;
  }

  /** Names that must be resolved before any server can be reached. */
  get #ownNames(): string[] {
    const { servers, balancer: { probeTarget } } = this.#local;
    return [
      ...servers.map(({ endpoint }) => endpoint.host),
      ...probeTarget === "none" ? [] : [probeTarget.host],
      ...this.#settings.hosts,
    ].map((host) => host.toLowerCase());
  }
}

function serverChanges(old: ConfiguredLocal, next: ConfiguredLocal): string[] {
  return [
    ...same(old.servers, next.servers)
      ? []
      : [`sends through ${namesOf(next.servers)}, with other settings or keys`],
    ...same(old.balancer, next.balancer)
      ? []
      : ["chooses among its servers in another way"],
  ];
}

function namesOf(servers: readonly UpstreamServer[]): string {
  return servers.map(({ endpoint }) => formatAddress(endpoint)).join(" or ");
}
