/**
 * The commands `local`, `tunnel`, `redir` and `server`: read the configuration,
 * run until a signal, and reload on another signal.
 *
 * @module
 */
import { openSqliteStore } from "../../adapters/store/sqlite_store.ts";
import { systemClock } from "../../clock.ts";
import { badValue } from "../../errors.ts";
import type { ReplayMemoryKind } from "../../crypto/family.ts";
import type { Transport } from "../../transport.ts";
import {
  type ConfiguredLocal,
  configureLocal,
  configureRedir,
  configureServer,
  configureTunnel,
  upstreamOfLink,
} from "../config/config.ts";
import { detach } from "../../defect.ts";
import { systemRandomBytes } from "../../random.ts";
import type { Mode } from "../../service/options.ts";
import type { Arguments } from "../options/args.ts";
import { dnsSettings } from "../config/dns_settings.ts";
import { fleetOf } from "../config/fleet_settings.ts";
import { systemSources } from "../config/sources.ts";
import { guessHost } from "../tools/guess_host.ts";
import type { OperatorSettings } from "../config/operator_settings.ts";
import { besideLocal, repairProxy } from "../system_proxy/beside_local.ts";
import { systemProxyOf } from "../system_proxy/configured_proxy.ts";
import { openSystemProxy } from "../system_proxy/open_system_proxy.ts";
import { openNames } from "../dns/open_names.ts";
import type { Host } from "./host.ts";
import { DnsPlan, LocalPlan } from "./local_plan.ts";
import { LocalSupervisor, methodsOf } from "./local_supervisor.ts";
import { sharedReplayFilters } from "../../security/replay_filter.ts";
import { openOnline } from "../online/open_online.ts";
import { checkPanel, memberOfPanel, openPanel } from "../panel/open_panel.ts";
import { openLists } from "../routes/open_lists.ts";
import { makeMember } from "./open_member.ts";
import { runRole } from "./run_role.ts";
import { Supervisor } from "./supervisor.ts";
import { usage } from "../options/getopt.ts";
import { watchNetwork } from "./watch_network.ts";

/** Runs `ss-local` until a signal. */
export async function runLocal(args: Arguments, host: Host): Promise<void> {
  await runLocals(args, configureLocal, host, systemProxyOf);
}

/** Runs `ss-tunnel` until a signal. */
export async function runTunnel(args: Arguments, host: Host): Promise<void> {
  await runLocals(args, configureTunnel, host);
}

/** Runs `ss-redir` until a signal. */
export async function runRedirLocals(
  args: Arguments,
  host: Host,
): Promise<void> {
  await runLocals(args, configureRedir, host);
}

async function runLocals(
  args: Arguments,
  configureRole: typeof configureLocal,
  host: Host,
  proxyOf: typeof systemProxyOf = () => undefined,
): Promise<void> {
  using online = await openOnline(args, systemSources);
  using lists = await openLists(args, systemSources);
  const configure = (
    published = online?.servers,
    contents = lists?.contents,
  ) => configureRole(args, { ...systemSources, lists: contents }, published);
  const configured = configure();
  const { result } = configured;
  const dns = dnsSettings(args, systemSources, result);
  const wanted = proxyOf(args, result);
  const system = host.worker === undefined ? openSystemProxy() : undefined;
  if (wanted !== undefined) checkOneWorker(configured.operator);
  const left = system === undefined || wanted !== undefined
    ? []
    : await repairProxy(system);
  const inbounds = [dns, ...result.map(({ dns }) => dns)]
    .filter((one) => one !== undefined);
  // All locals share the answers of all DNS inbounds.
  using known = inbounds[0] && openNames(inbounds[0]);
  const names = known?.names;
  await runRole(args, host, {
    ...configured,
    warnings: [
      ...online?.warnings ?? [],
      ...lists?.warnings ?? [],
      ...configured.warnings,
      ...left,
    ],
    role: "local",
    ...system && wanted && { beside: besideLocal(system, wanted) },
    methods: result.flatMap(methodsOf),
    streams: inbounds.length > 0 || result.some(hasTcp),
    ports: result.map(({ listen }) => listen.port),
    datagrams: inbounds.length > 0 || result.some(hasUdp),
    plugins: wanted !== undefined ||
      result.some(({ servers }) =>
        servers.some(({ plugin }) => plugin !== undefined)
      ),
    supervise: ({ world: given, ...surroundings }) => {
      const networkChanges = watchNetwork(host, given, surroundings);
      const world = { ...given, networkChanges };
      known?.keep(surroundings.logger);
      checkRedirection(result, world.transport);
      const supervisor = new LocalSupervisor(configured, {
        ...surroundings,
        configure: () => configure(),
        ...lists && { listStatus: () => lists.status },
        readLink: (link) => upstreamOfLink(link, args, systemSources),
        world,
        plans: (locals, group) => [
          ...locals.map((local) =>
            local.dns === undefined
              ? new LocalPlan({ ...local, names }, world, group)
              : new DnsPlan({ ...local.dns, names }, [local], world, group)
          ),
          ...dns === undefined
            ? []
            : [new DnsPlan({ ...dns, names }, locals, world, group)],
        ],
      });
      if (online !== undefined) {
        const following = online.follow(
          surroundings.logger,
          (servers) =>
            supervisor.setServers(configure(servers).result[0]!.servers),
        );
        detach(following, "following the list of servers", {
          logger: surroundings.logger,
          metrics: world.metrics,
        });
      }
      if (lists !== undefined) {
        const following = lists.follow(
          surroundings.logger,
          (contents) =>
            supervisor.setRoutes(
              configure(online?.servers, contents).result,
            ),
        );
        detach(following, "following the lists of rules", {
          logger: surroundings.logger,
          metrics: world.metrics,
        });
      }
      return supervisor;
    },
  });
}

/**
 * @throws {ConfigError} If there are several workers, each of which would set
 * the proxy.
 */
function checkOneWorker({ workers }: OperatorSettings): void {
  if (workers === 1) return;
  throw usage("--system-proxy is for one worker: leave --workers out");
}

/**
 * @throws {ConfigError} If the transport cannot serve redirected connections.
 */
function checkRedirection(
  locals: readonly ConfiguredLocal[],
  { capabilities }: Transport,
): void {
  const isAsked = locals.some(({ redirected }) => redirected !== undefined);
  if (!isAsked || capabilities.redirection) return;
  throw badValue(
    "redir needs Linux and calls of libc, which are not available here; see " +
      "the warning above",
  );
}

/** Runs `ss-server` until a signal. */
export async function runServer(args: Arguments, host: Host): Promise<void> {
  await using panel = await openPanel(args, systemSources);
  const node = panel?.link.served;
  const configure = () => configureServer(args, systemSources, node);
  const configured = configure();
  const { result, operator } = configured;
  const { store: path } = operator;
  const fleet = fleetOf(operator);
  if (panel !== undefined) checkPanel(operator);
  await runRole(args, host, {
    ...configured,
    warnings: [...new Set([...panel?.warnings ?? [], ...configured.warnings])],
    role: "server",
    methods: result.map(({ method }) => method),
    streams: result.some(hasTcp),
    ports: result.map(({ listen }) => listen.port),
    datagrams: result.some(hasUdp),
    plugins: result.some(({ plugin }) => plugin !== undefined),
    workersCaveats: [
      ...result.some(({ users }) => users?.some((u) => u.limits))
        ? [
          "each worker counts users by itself, so limits apply to each " +
          "worker",
        ]
        : [],
      ...result.some(hasUdp)
        ? [
          "each worker detects replayed UDP packets by itself: a replay " +
          "that reaches another worker is relayed once more",
        ]
        : [],
    ],
    supervise: (surroundings) => {
      const store = path === undefined
        ? undefined
        : surroundings.owned.use(openSqliteStore(path, surroundings));
      const around = { clock: systemClock, logger: surroundings.logger };
      panel?.tell(surroundings.logger);
      const fleetMember = panel !== undefined
        ? memberOfPanel(panel.link, around)
        : fleet && makeMember(fleet, {
          ...around,
          memory: store,
          worker: host.worker,
        });
      // The nodes of a fleet must agree on times, so accounts use the clock of
      // the fleet.
      const clock = fleetMember?.fleetClock ?? systemClock;
      const own = sharedReplayFilters(clock, host.salts);
      const supervisor = new Supervisor(configured, {
        ...surroundings,
        configure,
        world: {
          ...surroundings.world,
          ...fleetMember && {
            clock,
            replayFilter: fleet === undefined
              ? own
              : (kind: ReplayMemoryKind) => fleetMember.salts.filter(own(kind)),
          },
        },
        clock,
        randomBytes: systemRandomBytes,
        store,
        fleetMember,
        readProgram: (operator) => {
          const next = fleetOf(operator);
          return () => {
            // Only the keys are adopted. A change of the engine or of the
            // node's name needs a restart.
            if (next !== undefined) fleet?.keys.adopt(next.keys);
          };
        },
        panel: panel && (() => panel.link.status),
        minutes: store,
        publicHost: operator.publicHost,
        guessHost,
      });
      if (panel !== undefined) panel.link.present = () => supervisor.present();
      return supervisor;
    },
  });
}

function hasUdp({ mode = "tcp_only" }: { readonly mode?: Mode }): boolean {
  return mode !== "tcp_only";
}

function hasTcp({ mode = "tcp_only" }: { readonly mode?: Mode }): boolean {
  return mode !== "udp_only";
}
