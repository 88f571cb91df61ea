/**
 * The plugins of a client; servers with the same options share one.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import type { UpstreamServer } from "../outbound/shadowsocks.ts";
import { type Dependencies, withDefaults } from "../service.ts";
import { Plugin, type PluginStatus } from "./plugin.ts";

/** The plugins of a program. */
export class PluginCrew {
  readonly #world: Required<Dependencies>;
  /** The plugins by the options that their servers share. */
  readonly #plugins = new Map<string, Plugin>();
  #started = false;

  /** Makes a crew without plugins. */
  constructor(dependencies: Dependencies) {
    this.#world = withDefaults(dependencies);
  }

  /** The status of the plugins that are not stopped. */
  get status(): PluginStatus[] {
    return [...this.#plugins.values()].map(({ status }) => status)
      .filter(({ state }) => state !== "stopped");
  }

  /**
   * Gives each server its plugin, which may already be running. The outbound of
   * the server holds it from then on.
   */
  attach(servers: readonly UpstreamServer[]): UpstreamServer[] {
    for (const [key, { isStopped }] of this.#plugins) {
      if (isStopped) this.#plugins.delete(key);
    }
    return servers.map((server) =>
      server.plugin === undefined
        ? server
        : { ...server, running: this.#pluginOf(server) }
    );
  }

  /** Starts all plugins; plugins that are attached later start at once. */
  start(): void {
    this.#started = true;
    for (const plugin of this.#plugins.values()) plugin.start();
  }

  /** Stops all plugins. */
  async stop(): Promise<void> {
    await Promise.all(
      [...this.#plugins.values()].map((plugin) => plugin.stop()),
    );
  }

  #pluginOf({ endpoint, plugin, name }: UpstreamServer): Plugin {
    const key = JSON.stringify([plugin, endpoint]);
    const known = this.#plugins.get(key);
    if (known !== undefined) return known;
    const place = { server: name ?? formatAddress(endpoint), remote: endpoint };
    const made = new Plugin(plugin!, place, this.#world);
    this.#plugins.set(key, made);
    if (this.#started) made.start();
    return made;
  }
}
