/**
 * The checks of `umbra doctor` of a server behind a plugin. They run the plugin
 * and check each hop, so that the findings name the one that fails.
 *
 * @module
 */
import { systemPrograms } from "../../adapters/system/programs.ts";
import { formatAddress } from "../../codec/address.ts";
import { UmbraError } from "../../errors.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import {
  carriesDatagrams,
  carriesStreams,
  type PluginOptions,
} from "../../service/plugin/options.ts";
import { Plugin } from "../../service/plugin/plugin.ts";
import { withDefaults } from "../../service/service.ts";
import {
  examineUpstream,
  lookUp,
  type UpstreamTrial,
} from "./doctor_upstream.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { judgeUnreachable } from "./judge_server.ts";
import { type ProbeWorld, reach } from "./probe_server.ts";

const PLUGIN = findingsOf("plugin");
const CONNECT = findingsOf("connect");

/** The plugin of a server, which runs until disposal. */
export class RunningPlugin implements AsyncDisposable {
  /** The server as clients reach it through its plugin. */
  readonly server: UpstreamServer;
  readonly #plugin: Plugin | undefined;

  private constructor(server: UpstreamServer, plugin?: Plugin) {
    this.server = server;
    this.#plugin = plugin;
  }

  /**
   * Starts the plugin, if the server has one.
   *
   * @throws {TransportError} `ERR_NET_PLUGIN` when it does not listen.
   */
  static async start(
    server: UpstreamServer,
    world: ProbeWorld,
  ): Promise<RunningPlugin> {
    const { plugin: options, endpoint, ...rest } = server;
    if (options === undefined) return new RunningPlugin(server);
    const place = { server: formatAddress(endpoint), remote: endpoint };
    const plugin = new Plugin(
      options,
      place,
      withDefaults({ ...world, programs: systemPrograms }),
    );
    plugin.start();
    try {
      await plugin.tried();
      // The first failure is reported at once, without further attempts.
      if (plugin.endpoint === undefined) throw plugin.failure;
      return new RunningPlugin({ ...rest, endpoint: plugin.endpoint }, plugin);
    } catch (error) {
      await plugin.stop();
      throw error;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#plugin?.stop();
  }
}

/** Runs all checks and yields each finding at once. */
export async function* examineServer(
  trial: UpstreamTrial,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  const { server, resolver, tcpWanted } = trial;
  const { plugin } = server;
  if (plugin === undefined) {
    yield* examineUpstream(trial, world);
    return;
  }
  const past = {
    tcpWanted: tcpWanted && !carriesStreams(plugin),
    resolver: carriesDatagrams(plugin) ? undefined : resolver,
  };
  yield* examineFirstHop(trial, plugin, world);
  if (past.tcpWanted || past.resolver !== undefined) {
    yield* withoutFirstHop(examineUpstream({ ...trial, ...past }, world));
  }
  trial.progressed(`starting plugin ${plugin.name}`);
  const startMs = world.clock.monotonicMs();
  try {
    await using running = await RunningPlugin.start(server, world);
    const tookMs = Math.round(world.clock.monotonicMs() - startMs);
    yield PLUGIN.ok(`${plugin.name} listens after ${tookMs} ms`);
    yield* withoutFirstHop(examineUpstream({
      ...trial,
      server: running.server,
      tcpWanted: tcpWanted && carriesStreams(plugin),
      resolver: carriesDatagrams(plugin) ? resolver : undefined,
    }, world));
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    yield PLUGIN.fail(
      error.message,
      'compare "plugin" and "plugin_opts" with its documentation',
    );
  }
}

/** Examines the address to which the plugin itself connects. */
async function* examineFirstHop(
  { server, tcpWanted, progressed }: UpstreamTrial,
  plugin: PluginOptions,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  const { host, port } = server.endpoint;
  progressed(`looking ${host} up`);
  const { finding, addresses } = await lookUp(host, world);
  yield finding;
  if (addresses.length === 0 || !tcpWanted || !carriesStreams(plugin)) return;
  try {
    progressed(`connecting to ${host}`);
    const { connectMs } = await reach(addresses, port, world);
    yield CONNECT.ok(
      `connected to ${host} port ${port}, where the other ` +
        `plugin is to listen, in ${Math.round(connectMs)} ms`,
    );
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    yield judgeUnreachable(server.endpoint, error.code);
  }
}

async function* withoutFirstHop(
  findings: AsyncGenerator<Finding>,
): AsyncGenerator<Finding> {
  for await (const finding of findings) {
    if (finding.check !== "dns" && finding.check !== "connect") yield finding;
  }
}
