/**
 * Runs a plugin, and restarts it when it has ended.
 *
 * @module
 */
import {
  abortable,
  type Clock,
  Deadline,
  pause,
  unixMsAt,
} from "../../clock.ts";
import { detach } from "../../defect.ts";
import { TransportError, UmbraError } from "../../errors.ts";
import {
  MAX_PLUGIN_FAILURES,
  MAX_PLUGIN_RESTART_MS,
  PLUGIN_EARLY_MS,
  PLUGIN_LAST_LINES,
  PLUGIN_LOOK_MS,
  PLUGIN_READY_MS,
  PLUGIN_RESTART_JITTER,
  PLUGIN_RESTART_MS,
  PLUGIN_STEADY_MS,
  PROGRAM_GONE_MS,
} from "../../limits.ts";
import { onAbort, Stop, type StopSignal } from "../../on_abort.ts";
import type { RunningProgram } from "../../programs.ts";
import { shownText } from "../../text.ts";
import type { Endpoint } from "../../transport.ts";
import type { Dependencies } from "../service.ts";
import { carriesStreams, type PluginOptions } from "./options.ts";

/** The server and the addresses of a plugin. */
export interface PluginPlace {
  /** Name of its server, for the operator. */
  readonly server: string;
  /**
   * For a client, the address of the server; for a server, the address that
   * clients connect to.
   */
  readonly remote: Endpoint;
  /**
   * For a server, the address that it listens on. Not set for the plugin of a
   * client, which listens on a free port.
   */
  readonly local?: Endpoint;
}

/** `waiting` means that it has ended and is restarted later. */
export type PluginState = "starting" | "ready" | "waiting" | "stopped";

/** The status of a plugin. Plain data. */
export interface PluginStatus {
  /** Name of the program. */
  readonly name: string;
  /** Name of its server. */
  readonly server: string;
  /** See {@link PluginState}. */
  readonly state: PluginState;
  /** The start of the state; milliseconds since 1970. */
  readonly sinceUnixMs: number;
  /** The number of restarts since the start. */
  readonly restarts: number;
  /**
   * The time of the next start; milliseconds since 1970. Set while the state is
   * `waiting`.
   */
  readonly nextStartUnixMs?: number;
  /** Exit code or signal of its last end; not set if it has not ended. */
  readonly lastEnd?: string;
  /** The last lines of output before that. */
  readonly lastWords?: string;
}

/** A plugin and its supervision. */
export class Plugin {
  /** The options as configured. */
  readonly options: PluginOptions;
  /** The server and the addresses of the plugin. */
  readonly place: PluginPlace;
  readonly #world: Required<Dependencies>;
  readonly #stop = new Stop();
  readonly #lines: string[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #clock: Clock;
  #state: PluginState = "starting";
  #sinceMs: number;
  #nextStartMs = 0;
  #changed = Promise.withResolvers<void>();
  #program: RunningProgram | undefined;
  #running: Promise<void> | undefined;
  #endpoint: Endpoint | undefined;
  #restarts = 0;
  /** Ends since the plugin last ran for {@link PLUGIN_STEADY_MS}. */
  #ends = 0;
  /** Ends in a row within {@link PLUGIN_EARLY_MS} of the start. */
  #failures = 0;
  #lastEnd: string | undefined;
  #lastWords: string | undefined;
  #holders = 0;

  /** Makes a plugin, which is not started yet. */
  constructor(
    options: PluginOptions,
    place: PluginPlace,
    world: Required<Dependencies>,
  ) {
    this.options = options;
    this.place = place;
    this.#world = world;
    this.#clock = world.clock;
    this.#sinceMs = this.#clock.monotonicMs();
  }

  /** True if it listens. */
  get isReady(): boolean {
    return this.#state === "ready";
  }

  /** True if it was stopped for good. */
  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  /** The address that the plugin listens on; `undefined` if it is not ready. */
  get endpoint(): Endpoint | undefined {
    return this.isReady ? this.#endpoint : undefined;
  }

  /** The status of the plugin. */
  get status(): PluginStatus {
    const state = this.#state;
    return {
      name: this.options.name,
      server: this.place.server,
      state,
      sinceUnixMs: Math.round(unixMsAt(this.#clock, this.#sinceMs)),
      restarts: this.#restarts,
      ...state === "waiting" && {
        nextStartUnixMs: Math.round(unixMsAt(this.#clock, this.#nextStartMs)),
      },
      ...this.#lastEnd !== undefined && { lastEnd: this.#lastEnd },
      ...this.#lastWords !== undefined && { lastWords: this.#lastWords },
    };
  }

  /** Starts the plugin, and restarts it whenever it ends. Idempotent. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#runAll();
    detach(this.#running, "a plugin's supervision", this.#world);
  }

  /**
   * Waits until the plugin listens.
   *
   * @returns Its address.
   * @throws {TransportError} `ERR_NET_PLUGIN` if it does not listen in time, or
   * has failed too often; the reason of the signal.
   */
  async ready(signal: StopSignal): Promise<Endpoint> {
    if (this.endpoint !== undefined) return this.endpoint;
    using deadline = new Deadline(this.#clock, {
      delayMs: PLUGIN_READY_MS,
      code: "ERR_NET_PLUGIN",
      parent: signal,
      what: () => `${this.#name} does not listen`,
    });
    while (this.endpoint === undefined) {
      if (this.#state === "stopped") throw this.#down("was stopped");
      if (this.#failures >= MAX_PLUGIN_FAILURES) {
        throw this.#down(this.#lastEnd!);
      }
      await abortable(this.#changed.promise, deadline.signal);
    }
    return this.endpoint;
  }

  /** The error with which the plugin last ended. */
  get failure(): TransportError {
    return this.#down(this.#lastEnd ?? "does not listen");
  }

  /** Resolves when the first try to listen has succeeded or failed. */
  async tried(): Promise<void> {
    while (this.#state === "starting") await this.#changed.promise;
  }

  /**
   * Calls back whenever the plugin is ready.
   *
   * @returns A function that removes the callback.
   */
  onReady(callback: () => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** Adds a user of the plugin. */
  hold(): void {
    this.#holders++;
  }

  /** Removes a user of the plugin; after the last one, it is stopped. */
  release(): void {
    this.#holders--;
    if (this.#holders <= 0) detach(this.stop(), "a plugin's end", this.#world);
  }

  /**
   * Stops the plugin for good, and resolves when the program has ended.
   * Idempotent.
   */
  async stop(): Promise<void> {
    this.#stop.abort(ENDED);
    this.#enter("stopped");
    this.#program?.end();
    const wait = new Stop();
    await Promise.race([
      this.#running,
      pause(this.#clock, PROGRAM_GONE_MS, wait),
    ]);
    wait.abort(ENDED);
  }

  get #name(): string {
    return `plugin ${this.options.name} (server ${this.place.server})`;
  }

  #down(what: string): TransportError {
    const words = this.#lastWords === undefined
      ? ""
      : `; last output: "${this.#lastWords}"`;
    return new TransportError(
      "ERR_NET_PLUGIN",
      `${this.#name} ${what}${words}`,
    );
  }

  async #runAll(): Promise<void> {
    const stop = this.#stop;
    for (;;) {
      const startMs = this.#clock.monotonicMs();
      const end = await this.#runOnce();
      if (stop.aborted) return;
      const ranMs = this.#clock.monotonicMs() - startMs;
      const waitMs = this.#ended(end, ranMs);
      await pause(this.#clock, waitMs, stop);
      if (stop.aborted) return;
      this.#restarts++;
      this.#enter("starting");
    }
  }

  /** @returns How it ended. */
  async #runOnce(): Promise<string> {
    const { programs } = this.#world;
    const { path, args = [] } = this.options;
    let local: Endpoint;
    try {
      local = this.place.local ?? await this.#freePort();
    } catch (error) {
      if (!(error instanceof UmbraError)) throw error;
      return `was not started: ${error.message}`;
    }
    this.#endpoint = this.place.local === undefined ? local : this.place.remote;
    this.#lines.length = 0;
    if (this.#stop.aborted) return "was stopped";
    const program = programs.start({
      path,
      args,
      env: this.#environment(local),
      onLine: (line) => this.#hear(line),
    });
    this.#program = program;
    const isOpen = await this.#opens(program, this.#endpoint);
    if (isOpen) {
      this.#enter("ready");
      return await program.ended;
    }
    const isLate = await isPending(program.ended);
    program.end();
    const end = await program.ended;
    return isLate
      ? `did not listen within ${PLUGIN_READY_MS / 1_000} s and ${end}`
      : end;
  }

  /**
   * Tries to connect until it succeeds; returns `false` if the program ends
   * before.
   */
  async #opens(program: RunningProgram, endpoint: Endpoint): Promise<boolean> {
    // A plugin for UDP only cannot be tested for readiness.
    if (!carriesStreams(this.options)) return await isPending(program.ended);
    const { transport } = this.#world;
    using deadline = new Deadline(this.#clock, {
      delayMs: PLUGIN_READY_MS,
      code: "ERR_NET_PLUGIN",
      parent: this.#stop,
    });
    const over = new Stop();
    const leave = onAbort(
      deadline.signal,
      () => over.abort(deadline.signal.reason),
    );
    const watch = program.ended.then(() => over.abort(ENDED));
    const to = { ...endpoint, host: reachable(endpoint.host) };
    try {
      while (!over.aborted) {
        try {
          const connection = await transport.dial(to, { signal: over });
          connection.close();
          return !over.aborted;
        } catch (error) {
          if (!(error instanceof UmbraError)) throw error;
        }
        await pause(this.#clock, PLUGIN_LOOK_MS, over);
      }
      return false;
    } finally {
      leave();
      // The caller waits for the end of the program.
      detach(watch, "a plugin's end", this.#world);
    }
  }

  /** @returns Milliseconds until the next start. */
  #ended(end: string, ranMs: number): number {
    this.#failures = ranMs < PLUGIN_EARLY_MS ? this.#failures + 1 : 0;
    if (ranMs >= PLUGIN_STEADY_MS) this.#ends = 0;
    const waitMs = this.#waitMs(this.#ends++);
    this.#lastEnd = end;
    this.#lastWords = this.#lines.length === 0
      ? undefined
      : this.#lines.join(" / ");
    this.#nextStartMs = this.#clock.monotonicMs() + waitMs;
    this.#enter("waiting");
    const isDown = this.#failures === MAX_PLUGIN_FAILURES
      ? "; its server counts as down until the plugin runs"
      : "";
    this.#world.logger.log(
      "warn",
      `${this.#down(end).message}: restarting in ` +
        `${(waitMs / 1_000).toFixed(1)} s${isDown}`,
    );
    return waitMs;
  }

  #waitMs(ends: number): number {
    const usualMs = Math.min(
      MAX_PLUGIN_RESTART_MS,
      PLUGIN_RESTART_MS * 2 ** ends,
    );
    const { buffer } = this.#world.randomBytes(4);
    const random = new DataView(buffer).getUint32(0) / 2 ** 32;
    return usualMs * (1 + PLUGIN_RESTART_JITTER * (2 * random - 1));
  }

  #hear(line: string): void {
    const shown = shownText(line);
    if (shown === "") return;
    this.#lines.push(shown);
    if (this.#lines.length > PLUGIN_LAST_LINES) this.#lines.shift();
    const { logger } = this.#world;
    logger.log("debug", `${this.#name} output`, { line: shown });
  }

  #enter(state: PluginState): void {
    if (this.#state === "stopped") return;
    this.#state = state;
    this.#sinceMs = this.#clock.monotonicMs();
    const { resolve } = this.#changed;
    this.#changed = Promise.withResolvers<void>();
    resolve();
    if (state !== "ready") return;
    this.#world.logger.log("info", `${this.#name} is ready`);
    for (const callback of this.#listeners) callback();
  }

  /** Finds a free loopback port, in the address family of the server. */
  async #freePort(): Promise<Endpoint> {
    const host = this.place.remote.host.includes(":") ? "::1" : "127.0.0.1";
    const listener = await this.#world.transport.listen({ host, port: 0 });
    const { address } = listener;
    listener.close();
    return address;
  }

  #environment(local: Endpoint): Record<string, string> {
    const { env, options } = this.options;
    const { remote } = this.place;
    return {
      ...env,
      SS_REMOTE_HOST: remote.host,
      SS_REMOTE_PORT: String(remote.port),
      SS_LOCAL_HOST: local.host,
      SS_LOCAL_PORT: String(local.port),
      ...options !== undefined && { SS_PLUGIN_OPTIONS: options },
    };
  }
}

/** The reason with which waits for a plugin are aborted. */
const ENDED = new TransportError("ERR_NET_PLUGIN", "The plugin has ended");

/** Returns the address that reaches a listener on a wildcard address. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** True if a promise that does not reject is still pending. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  return await Promise.race([promise, Promise.resolve(pending)]) === pending;
}
