/**
 * The servers of a published list (SIP008). The list is fetched, kept on disk
 * for use while its host does not answer, and fetched again at intervals.
 *
 * @module
 */
import { type Clock, pause } from "../../clock.ts";
import type { OnlineServer } from "../../codec/sip008.ts";
import { splitPlugin } from "../../codec/plugin_options.ts";
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";
import { ConfigError, faultOf, messageOf, UmbraError } from "../../errors.ts";
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

/** The settings and dependencies of a list. */
export interface OnlineOptions {
  /** The address of the list. */
  readonly url: URL;
  /** Milliseconds between two fetches; less while the host does not answer. */
  readonly refreshMs: number;
  /**
   * Fetches the text of an address. @throws {UmbraError} With the reason of a
   * failure.
   */
  fetch(url: URL, signal: AbortSignal): Promise<string>;
  /**
   * True if the list may contain methods that do not protect what they carry.
   */
  readonly allowLegacy?: boolean;
  /** Names of the plugins that the list may use; default: none. */
  readonly allowedPlugins?: readonly string[];
  /** The copy on disk; not set if there is none. */
  readonly cache?: Pick<OnlineCache, "read" | "write"> | undefined;
  /** Schedules the next fetch. */
  readonly clock: Clock;
}

/** A list that is fetched again at intervals. */
export class OnlineServers implements Disposable {
  readonly #options: OnlineOptions;
  readonly #stop = new AbortController();
  #list: AcceptedList = { servers: [], warnings: [], identity: "" };
  #stale = false;

  private constructor(options: OnlineOptions) {
    this.#options = options;
  }

  /**
   * Fetches a list for the first time, or takes the kept list if that fails.
   *
   * @throws {UmbraError} If there is no kept list either.
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
   * Fetches the list at intervals until disposal.
   *
   * @param use Receives changed servers. It throws an {@link UmbraError} if
   * they cannot be used; they are then passed to it again after the next fetch.
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
        if (this.#stale) {
          logger.log("info", "list of servers can be fetched again");
        }
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
          logger.log("warn", "list of servers is not updated", faultOf(error));
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

  /** @returns Why the list is not kept; `undefined` if it is kept. */
  #keep(text: string): string | undefined {
    const { cache } = this.#options;
    if (cache === undefined) {
      return "the list of servers is not kept: give --cache FILE";
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
  /** A text that is equal for lists with equal servers. Secret. */
  readonly identity: string;
}

/**
 * Selects the servers that can be used.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG` if there is none.
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

/** @returns The settings of a server, or why it cannot be used. */
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
        return `${name}: the server needs the plugin "${
          shownText(program)
        }", and a ` +
          "list may start only the programs of --online-allowed-plugin";
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

/** Returns a server and the servers through which it is reached. */
function hopsOf(server: ServerSettings): ServerSettings[] {
  const { through } = server;
  return through === undefined ? [server] : [server, ...hopsOf(through)];
}
