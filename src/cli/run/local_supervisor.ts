/**
 * A running `ss-local` for its operator: it reports its status, and accepts a
 * new configuration. A local has no users and no Shadowsocks servers of its
 * own.
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
import { badValue } from "../../errors.ts";
import { MAX_ADDED_SERVERS } from "../../limits.ts";
import type { DnsService } from "../../service/dns/dns_inbound.ts";
import {
  ServerGroup,
  type ServerGroupOptions,
} from "../../service/outbound/servers/server_group.ts";
import { PluginCrew } from "../../service/plugin/crew.ts";
import { sameServer } from "../../service/outbound/servers/same_server.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import { nameOf } from "../config/balancer_settings.ts";
import type { ConfiguredLocal, ConfiguredRole } from "../config/config.ts";
import { describeMethod } from "../config/legacy_gate.ts";
import { OPERATOR_ROWS } from "../config/operator_settings.ts";
import type { PlannedService } from "./fleet.ts";
import type { FollowedListStatus } from "../routes/followed_lists.ts";
import { DnsPlan, LocalPlan } from "./local_plan.ts";
import { needsRestart } from "./setting_changes.ts";
import { Turns } from "./turns.ts";
import type { Surroundings } from "./run_role.ts";

/** The dependencies of a supervisor. */
export interface LocalSupervisorOptions extends Omit<Surroundings, "owned"> {
  /** Reads the configuration; called at every reload. */
  configure(): ConfiguredRole<ConfiguredLocal[]>;
  /** Returns the plans of a configuration; all use one group. */
  plans(
    locals: readonly ConfiguredLocal[],
    group: ServerGroup,
  ): PlannedService[];
  /**
   * Reads a link.
   *
   * @throws {ConfigError} If the link is invalid or its server cannot be used.
   */
  readLink(link: string): UpstreamServer;
  /** Returns the status of published rule lists, by name; default: none. */
  listStatus?(): ReadonlyMap<string, FollowedListStatus>;
}

/** Runs locals and changes them. */
export class LocalSupervisor implements Operator {
  readonly addUser: () => never = noUsers;
  readonly changeUser: () => never = noUsers;
  readonly removeUser: () => never = noUsers;
  readonly clearCounts: () => never = noUsers;
  readonly #options: LocalSupervisorOptions;
  /** Runs changes one after the other. */
  readonly #turns = new Turns();
  /** The servers of all locals, with one balancer. */
  readonly #group: ServerGroup;
  readonly #plugins: PluginCrew;
  /** Servers that were added at run time; they are the last of the group. */
  #added: readonly UpstreamServer[] = [];
  #configured: ConfiguredRole<ConfiguredLocal[]>;

  /** @param configured The first result of `configure()`. */
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
   * @throws {ConfigError | TransportError} If a local cannot start; none runs
   * then.
   */
  start(): Promise<void> {
    const { fleet, plans } = this.#options;
    this.#plugins.start();
    return this.#turns.take(() =>
      fleet.apply(plans(this.#configured.result, this.#group))
    );
  }

  /** Stops every local, and then the plugins of their servers. */
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
   * Adds a server to every local until the next reload.
   *
   * @returns The name of the server.
   * @throws {ConfigError} If the server cannot be used, or exists already.
   */
  addUpstream(link: string): Promise<string> {
    return this.#turns.take(async () => {
      const { readLink, ciphers } = this.#options;
      const server = readLink(link);
      if (this.#locals[0]!.servers.some((one) => sameServer(one, server))) {
        throw badValue(`Server ${nameOf(server)} already exists`);
      }
      if (this.#added.length >= MAX_ADDED_SERVERS) {
        throw badValue(`Cannot add more than ${MAX_ADDED_SERVERS} servers`);
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
   * Removes a server that was added; open connections stay.
   *
   * @throws {ConfigError} If the server was not added at run time.
   */
  removeUpstream(name: string): Promise<void> {
    return this.#turns.take(async () => {
      const all = this.#upstreams;
      const at = all.findIndex((one) => one.name === name);
      if (all[at]?.added !== true) {
        throw badValue(
          `Server ${name} is in the configuration: remove it there`,
        );
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
   * Applies the added servers to DNS and start lines. The caller changes the
   * group.
   */
  async #setAdded(added: readonly UpstreamServer[]): Promise<void> {
    const { plans, fleet, ciphers } = this.#options;
    await fleet.apply(
      plans(withAdded(this.#configured.result, added), this.#group),
    );
    this.#added = added;
    ciphers.serve(this.#locals.flatMap(methodsOf));
  }

  /** The locals of the configuration, with the servers that were added. */
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
   * Replaces the servers of every local; open connections stay.
   *
   * @throws {ConfigError} If a server cannot be used; nothing has changed then.
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
   * Gives every local the routes that the same local has in another
   * configuration. Open connections are not affected.
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
          ? ["servers: choices made at run time are reset"]
          : [],
        ...this.#added.length > 0
          ? [`servers: ${this.#added.length} added at run time are removed`]
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

  addServer(): Promise<never> {
    return Promise.reject(
      badValue("A local has no servers of its own"),
    );
  }

  removeServer(): boolean {
    return false;
  }
}

function noUsers(): never {
  throw new RangeError("A local has no users; the users are on its server");
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

/** Returns the servers of a configuration, and the policy that chooses one. */
function groupOf(
  [local]: readonly ConfiguredLocal[],
): ServerGroupOptions & { readonly servers: readonly UpstreamServer[] } {
  const { servers, balancer, connectTimeoutMs } = local!;
  return { servers, ...balancer, connectTimeoutMs };
}

/** True unless the server is known to be down. */
function isOfUse({ tcp, udp }: UpstreamStatus): boolean {
  const { state } = tcp.state === "disabled" ? udp : tcp;
  return state === "up" || state === "suspect";
}

/** Returns the methods of a local's servers. */
export function methodsOf({ servers }: ConfiguredLocal): Method[] {
  return servers.map(({ method }) => method);
}
