/**
 * The servers of a published list (SIP008): fetched, kept on disk for the day
 * its host is silent, and looked at again from time to time.
 *
 * @module
 */
import { type Clock, pause } from "../../clock.ts";
import type { OnlineServer } from "../../codec/sip008.ts";
import { splitPlugin } from "../../codec/plugin_options.ts";
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";
import { ConfigError, messageOf, UmbraError } from "../../errors.ts";
import { ONLINE_RETRY_MS } from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import { shownText } from "../../text.ts";
import { clientKeys } from "../config/credentials.ts";
import { withoutProgram } from "../config/native_plugin.ts";
import { checkLegacy } from "../config/legacy_gate.ts";
import type { OnlineCache } from "./online_cache.ts";
import { readList } from "./read_list.ts";
import {
  serverFromParsed,
  serverFromSsr,
  type ServerSettings,
} from "../config/server_settings.ts";

/** A list, and what it is looked at with. */
export interface OnlineOptions {
  /** The address of the list. */
  readonly url: URL;
  /** Milliseconds between two looks; less while its host is silent. */
  readonly refreshMs: number;
  /** The text at an address. @throws {UmbraError} Why there is none. */
  fetch(url: URL, signal: AbortSignal): Promise<string>;
  /** True if servers may be listed whose methods do not protect. */
  readonly allowLegacy?: boolean;
  /** Plugins that may be asked for, by name; default: none. */
  readonly allowedPlugins?: readonly string[];
  /** Not set: no copy is kept. */
  readonly cache?: Pick<OnlineCache, "read" | "write"> | undefined;
  /** The timer of the next look. */
  readonly clock: Clock;
}

/** A list that is followed. */
export class OnlineServers implements Disposable {
  readonly #options: OnlineOptions;
  readonly #stop = new AbortController();
  #list: AcceptedList = { servers: [], warnings: [], identity: "" };
  #stale = false;

  private constructor(options: OnlineOptions) {
    this.#options = options;
  }

  /**
   * Fetches a list for the first time; where that fails, takes the kept one.
   *
   * @throws {UmbraError} When there is no kept one either.
   */
  static async load(options: OnlineOptions): Promise<OnlineServers> {
    const online = new OnlineServers(options);
    try {
      online.#list = await online.#fetch();
    } catch (error) {
      const kept = options.cache?.read();
      if (kept === undefined || !(error instanceof UmbraError)) throw error;
      const list = await accept(kept.text, options);
      const since = new Date(kept.savedUnixMs).toISOString();
      const warning = `${error.message}; using the list of ${since}`;
      online.#stale = true;
      online.#list = { ...list, warnings: [warning, ...list.warnings] };
    }
    return online;
  }

  /** The servers, the preferred one first. */
  get servers(): readonly ServerSettings[] {
    return this.#list.servers;
  }

  /** Warnings about the list for the operator. */
  get warnings(): readonly string[] {
    return this.#list.warnings;
  }

  /**
   * Looks at the list again and again, until it is disposed of.
   *
   * @param use Takes servers that are new; throws an {@link UmbraError} when
   * they cannot be used, and is given them again.
   */
  async follow(
    logger: Logger,
    use: (servers: readonly ServerSettings[]) => Promise<void>,
  ): Promise<void> {
    const { clock, refreshMs } = this.#options;
    const { signal } = this.#stop;
    for (;;) {
      await pause(
        clock,
        this.#stale ? Math.min(refreshMs, ONLINE_RETRY_MS) : refreshMs,
        signal,
      );
      if (signal.aborted) return;
      try {
        const list = await this.#fetch();
        const isNew = list.identity !== this.#list.identity;
        if (isNew) await use(list.servers);
        if (this.#stale) logger.log("info", "list of servers is back");
        this.#stale = false;
        if (!isNew) continue;
        this.#list = list;
        for (const warning of list.warnings) logger.log("warn", warning);
        logger.log("info", "list of servers has changed", {
          servers: list.servers.map(({ origin }) => origin).join(", "),
        });
      } catch (error) {
        if (signal.aborted) return;
        if (!(error instanceof UmbraError)) throw error;
        if (!this.#stale) {
          logger.log("warn", "list of servers stays as it is", {
            code: error.code,
            reason: error.message,
          });
        }
        this.#stale = true;
      }
    }
  }

  /** Ends {@link OnlineServers.follow}. */
  [Symbol.dispose](): void {
    this.#stop.abort();
  }

  async #fetch(): Promise<AcceptedList> {
    const { url } = this.#options;
    const text = await this.#options.fetch(url, this.#stop.signal);
    const list = await accept(text, this.#options);
    const warning = this.#keep(text);
    return warning === undefined
      ? list
      : { ...list, warnings: [...list.warnings, warning] };
  }

  /** @returns Why it is not kept, if so. */
  #keep(text: string): string | undefined {
    const { cache } = this.#options;
    if (cache === undefined) {
      return "the list of servers is kept nowhere: give --cache FILE";
    }
    try {
      cache.write(text);
      return undefined;
    } catch (error) {
      const reason = messageOf(error);
      return `cannot keep the list of servers: ${reason}`;
    }
  }
}

/** The usable part of a list. */
interface AcceptedList {
  readonly servers: readonly ServerSettings[];
  readonly warnings: readonly string[];
  /** Equal for lists that say the same of servers. Secret. */
  readonly identity: string;
}

/**
 * Takes the servers that we can use.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG` when there is none.
 */
async function accept(
  text: string,
  { url, allowLegacy = false, allowedPlugins = [] }: OnlineOptions,
): Promise<AcceptedList> {
  const config = await readList(text);
  const warnings = [...config.warnings];
  const servers = config.servers.flatMap((server) => {
    const settings = usable(server, allowLegacy, allowedPlugins);
    if (typeof settings !== "string") return [settings];
    warnings.push(`left out of the list of ${url.host}: ${settings}`);
    return [];
  });
  if (servers.length === 0) {
    throw new ConfigError("ERR_ONLINE_CONFIG", warnings.join("; "));
  }
  return { servers, warnings, identity: JSON.stringify(config.servers) };
}

/** @returns What is known of a server, or why it cannot be used. */
function usable(
  server: OnlineServer,
  allowLegacy: boolean,
  allowedPlugins: readonly string[],
): ServerSettings | string {
  const name = server.tag ?? `${server.host}:${server.port}`;
  let transport: WebSocketTransport | undefined;
  if ("plugin" in server && server.plugin !== undefined) {
    const { name: program } = splitPlugin(server.plugin);
    if (program.includes("/") || !allowedPlugins.includes(program)) {
      transport = withoutProgram(server.plugin, server.port);
      if (transport === undefined) {
        return `${name}: it asks for the plugin "${
          shownText(program)
        }", and a ` +
          "list must start no programs here but those of --online-allowed-plugin";
      }
    }
  }
  try {
    const parsed = "ssr" in server
      ? serverFromSsr(server.ssr, name)
      : serverFromParsed(server, name);
    const { id, mode, tcpWeight, udpWeight } = "ssr" in server ? {} : server;
    const settings = {
      ...parsed,
      ...transport && { transport, plugin: undefined },
      id,
      tcpWeight: mode === "udp_only" ? 0 : tcpWeight,
      udpWeight: mode === "tcp_only" ? 0 : udpWeight,
    };
    const hops = hopsOf(settings);
    checkLegacy(hops, allowLegacy);
    hops.forEach(clientKeys);
    return settings;
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
}

/** A server, and those on the way to it. */
function hopsOf(server: ServerSettings): ServerSettings[] {
  const { through } = server;
  return through === undefined ? [server] : [server, ...hopsOf(through)];
}
