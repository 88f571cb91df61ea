/**
 * A running `ss-local` as its operator sees it: it can be watched, and takes a
 * new configuration over. It has no users and no servers of its own.
 *
 * @module
 */
import type {
  Operator,
  ReloadReport,
  RuleSetStatus,
  Status,
  UpstreamControl,
  UpstreamStatus,
  UserStatus,
} from "../../admin/operator.ts";
import { NO_TOTALS } from "../../admin/user_page.ts";
import { formatAddress } from "../../codec/address.ts";
import type { Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import { MAX_ADDED_SERVERS } from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import type { DnsService } from "../../service/dns/dns_inbound.ts";
import {
  ServerGroup,
  type ServerGroupOptions,
} from "../../service/outbound/servers/server_group.ts";
import { PluginCrew } from "../../service/plugin/crew.ts";
import { sameServer } from "../../service/outbound/servers/same_server.ts";
import type { Dependencies } from "../../service/service.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import { nameOf } from "../config/balancer_settings.ts";
import type { ConfiguredLocal, ConfiguredRole } from "../config/config.ts";
import { describeMethod } from "../config/legacy_gate.ts";
import { OPERATOR_ROWS } from "../config/operator_settings.ts";
import type { Fleet, PlannedService } from "./fleet.ts";
import type { ProvidersInUse } from "../tools/crypto.ts";
import type { FollowedListStatus } from "../routes/followed_lists.ts";
import { DnsPlan, LocalPlan } from "./local_plan.ts";
import { needsRestart } from "./setting_changes.ts";
import { Turns } from "./turns.ts";

/** The world of a supervisor. */
export interface LocalSupervisorOptions {
  /** Reads the configuration, again and again. */
  configure(): ConfiguredRole<ConfiguredLocal[]>;
  /** Hears which methods will be used, and which are. */
  readonly ciphers: Pick<ProvidersInUse, "prepare" | "serve">;
  /** The world services run in. */
  readonly world: Dependencies;
  /** The plans for a configuration; all of them use one group. */
  plans(
    locals: readonly ConfiguredLocal[],
    group: ServerGroup,
  ): PlannedService[];
  /**
   * Reads a link.
   *
   * @throws {ConfigError} When it is of no server that can be used.
   */
  readLink(link: string): UpstreamServer;
  /** The status of published rule lists, by name; default: there are none. */
  listStatus?(): ReadonlyMap<string, FollowedListStatus>;
  /** Logs the operator's changes. */
  readonly logger: Logger;
  /** The place where services run. */
  readonly fleet: Fleet;
  /** Everything of a status but the servers. */
  programStatus(): Omit<Status, "servers" | "users" | "keepsUsers" | "plugins">;
}

const NO_USERS = "A local has no users of its own; its server has";

/** Runs locals, and changes them. */
export class LocalSupervisor implements Operator {
  readonly #options: LocalSupervisorOptions;
  /** The order of changes. */
  readonly #turns = new Turns();
  /** The servers of all locals, with one balancer. */
  readonly #group: ServerGroup;
  readonly #plugins: PluginCrew;
  /** Servers that were added at run time; in the group they come last. */
  #added: readonly UpstreamServer[] = [];
  #configured: ConfiguredRole<ConfiguredLocal[]>;

  /** @param configured What `configure()` has returned already. */
  constructor(
    configured: ConfiguredRole<ConfiguredLocal[]>,
    options: LocalSupervisorOptions,
  ) {
    this.#configured = configured;
    this.#options = options;
    const { servers, ...rest } = groupOf(configured.result);
    this.#plugins = new PluginCrew(options.world);
    this.#group = new ServerGroup(
      this.#plugins.attach(servers),
      rest,
      options.world,
    );
  }

  /**
   * Starts every local.
   *
   * @throws {ConfigError | TransportError} When one cannot; none runs then.
   */
  start(): Promise<void> {
    const { fleet, plans } = this.#options;
    this.#plugins.start();
    return this.#turns.take(() =>
      fleet.apply(plans(this.#configured.result, this.#group))
    );
  }

  /** Ends every local, and then the plugins that they send through. */
  async stop(graceMs: number): Promise<void> {
    this.#group.stop();
    await this.#options.fleet.stop(graceMs);
    await this.#plugins.stop();
  }

  /** See {@link Operator.upstreams}. */
  get upstreams(): UpstreamControl {
    return this.#group;
  }

  status(): Status {
    const { fleet, programStatus } = this.#options;
    const program = programStatus();
    const upstreams = this.#upstreams;
    return {
      ...program,
      ready: program.ready && upstreams.some(isOfUse),
      users: NO_TOTALS,
      keepsUsers: false,
      upstreams,
      ...this.#rules,
      ...this.#dns,
      plugins: this.#plugins.status,
      servers: fleet.running.flatMap(({ plan, service }) => {
        if (!(plan instanceof LocalPlan)) return [];
        const { servers, mode = "tcp_only" } = plan.options;
        return [{
          id: String(service.address.port),
          address: formatAddress(service.address),
          method: describeMethod(servers[0]!),
          mode,
          managed: false,
          usage: {
            ...program.traffic,
            connections: program.connections.accepted,
            associations: 0,
            lastSeenUnixMs: 0,
            open: program.connections.open,
            hosts: [],
          },
          userCount: 0,
          users: [],
        }];
      }),
    };
  }

  /**
   * Lets every local send through one more server, until the next reload.
   *
   * @returns Its name.
   * @throws {ConfigError} When the link is of no server that can be used, or
   * the server is there already.
   */
  addUpstream(link: string): Promise<string> {
    return this.#turns.take(async () => {
      const { readLink, ciphers } = this.#options;
      const server = readLink(link);
      if (this.#locals[0]!.servers.some((one) => sameServer(one, server))) {
        throw refused(`${nameOf(server)} is there already`);
      }
      if (this.#added.length >= MAX_ADDED_SERVERS) {
        throw refused(`${MAX_ADDED_SERVERS} servers were added already`);
      }
      ciphers.prepare([server.method]);
      await this.#setAdded([...this.#added, server]);
      const name = this.#group.add(server);
      this.#options.logger.log("info", "server added at run time", {
        server: name,
      });
      return name;
    });
  }

  /**
   * Takes away a server that was added; open connections stay.
   *
   * @throws {ConfigError} When it was not added.
   */
  removeUpstream(name: string): Promise<void> {
    return this.#turns.take(async () => {
      const all = this.#upstreams;
      const at = all.findIndex((one) => one.name === name);
      if (all[at]?.added !== true) {
        throw refused(`${name} is of the configuration: remove it there`);
      }
      const index = at - (all.length - this.#added.length);
      await this.#setAdded(this.#added.filter((_, i) => i !== index));
      this.#group.remove(name);
      this.#options.logger.log("info", "server removed at run time", {
        server: name,
      });
    });
  }

  /**
   * Tells DNS and start lines of the servers; the group is changed elsewhere.
   */
  async #setAdded(added: readonly UpstreamServer[]): Promise<void> {
    const { plans, fleet, ciphers } = this.#options;
    await fleet.apply(
      plans(withAdded(this.#configured.result, added), this.#group),
    );
    this.#added = added;
    ciphers.serve(this.#locals.flatMap(methodsOf));
  }

  /** The locals as configured, with the servers that were added. */
  get #locals(): readonly ConfiguredLocal[] {
    return withAdded(this.#configured.result, this.#added);
  }

  get #rules(): Pick<Status, "ruleSets"> {
    const used = this.#configured.result
      .flatMap(({ routes, commonRoutes }) => [routes, commonRoutes])
      .filter((routes) => routes !== undefined);
    if (used.length === 0) return {};
    const followed = this.#options.listStatus?.();
    // Locals may share lists.
    const lists = new Map(
      used.flatMap(({ lists = [] }) => lists)
        .map((list) => [`${list.name} ${list.source}`, list]),
    );
    return {
      ruleSets: Array.from(lists.values(), (list): RuleSetStatus => {
        const { isStale, ...times } = followed?.get(list.name) ?? {};
        return { ...list, ...times, ...isStale && { isStale } };
      }),
    };
  }

  get #dns(): Pick<Status, "dns"> {
    const dns = this.#options.fleet.running
      .find(({ plan }) => plan instanceof DnsPlan);
    return dns === undefined ? {} : { dns: (dns.service as DnsService).status };
  }

  get #upstreams(): readonly UpstreamStatus[] {
    const all = this.#group.status;
    const first = all.length - this.#added.length;
    return all.map((one, i) => i < first ? one : { ...one, added: true });
  }

  /**
   * Lets every local send through these servers; open connections stay.
   *
   * @throws {ConfigError} When one cannot be used; nothing has changed then.
   */
  setServers(servers: readonly UpstreamServer[]): Promise<void> {
    return this.#turns.take(async () => {
      const { ciphers, plans, fleet } = this.#options;
      ciphers.prepare(servers.map(({ method }) => method));
      const result = this.#configured.result.map((local) => ({
        ...local,
        servers,
      }));
      await fleet.apply(plans(withAdded(result, this.#added), this.#group));
      this.#configured = { ...this.#configured, result };
      this.#replace();
    });
  }

  /**
   * Gives every local that has routes those of the same one in another
   * configuration; what is open is not touched.
   */
  setRoutes(locals: readonly ConfiguredLocal[]): Promise<void> {
    return this.#turns.take(async () => {
      const { plans, fleet } = this.#options;
      const next = new Map(
        locals.map((local) => [formatAddress(local.listen), local]),
      );
      const result = this.#configured.result.map((local) => {
        const other = next.get(formatAddress(local.listen));
        return {
          ...local,
          ...local.routes && other?.routes && { routes: other.routes },
          ...local.commonRoutes && other?.commonRoutes &&
            { commonRoutes: other.commonRoutes },
        };
      });
      await fleet.apply(plans(withAdded(result, this.#added), this.#group));
      this.#configured = { ...this.#configured, result };
    });
  }

  reload(dryRun: boolean): Promise<ReloadReport> {
    return this.#turns.take(async () => {
      const { configure, ciphers, plans, fleet } = this.#options;
      const next = configure();
      ciphers.prepare(next.result.flatMap(methodsOf));
      const wanted = plans(next.result, this.#group);
      const changes = [
        ...fleet.preview(wanted),
        ...this.#group.isSwitched
          ? ["servers: what was pinned or switched at run time is forgotten"]
          : [],
        ...this.#added.length > 0
          ? [`servers: ${this.#added.length} added at run time are forgotten`]
          : [],
      ];
      const warnings = [
        ...next.warnings,
        ...needsRestart(
          OPERATOR_ROWS,
          this.#configured.operator,
          next.operator,
        ),
      ];
      if (!dryRun) {
        await fleet.apply(wanted);
        this.#configured = next;
        this.#added = [];
        this.#replace();
      }
      return { changes, warnings };
    });
  }

  #replace(): void {
    this.#options.ciphers.serve(this.#locals.flatMap(methodsOf));
    const { servers, ...options } = groupOf(this.#locals);
    this.#group.replace(this.#plugins.attach(servers), options);
  }

  users(): readonly UserStatus[] {
    return [];
  }

  user(): undefined {
    return undefined;
  }

  credentials(): undefined {
    return undefined;
  }

  addUser(): never {
    throw new RangeError(NO_USERS);
  }

  changeUser(): never {
    throw new RangeError(NO_USERS);
  }

  removeUser(): never {
    throw new RangeError(NO_USERS);
  }

  clearCounts(): never {
    throw new RangeError(NO_USERS);
  }

  addServer(): Promise<never> {
    return Promise.reject(
      new ConfigError("ERR_CONFIG_VALUE", "A local runs no servers"),
    );
  }

  removeServer(): boolean {
    return false;
  }
}

function withAdded(
  locals: readonly ConfiguredLocal[],
  added: readonly UpstreamServer[],
): readonly ConfiguredLocal[] {
  if (added.length === 0) return locals;
  return locals.map((local) => ({
    ...local,
    servers: [...local.servers, ...added],
  }));
}

function refused(message: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", message);
}

/** The servers of a configuration, and how they are chosen. */
function groupOf(
  [local]: readonly ConfiguredLocal[],
): ServerGroupOptions & { readonly servers: readonly UpstreamServer[] } {
  const { servers, balancer, connectTimeoutMs } = local!;
  return { servers, ...balancer, connectTimeoutMs };
}

/** True unless a server is known not to answer. */
function isOfUse({ tcp, udp }: UpstreamStatus): boolean {
  const { state } = tcp.state === "disabled" ? udp : tcp;
  return state === "up" || state === "suspect";
}

/** The methods a local needs. */
export function methodsOf({ servers }: ConfiguredLocal): Method[] {
  return servers.map(({ method }) => method);
}
