/**
 * A plugin that runs, and runs again when it has ended.
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

/** The place of a plugin. */
export interface PluginPlace {
  /** Name of its server, for the operator. */
  readonly server: string;
  /** The server, for a client; the address for clients, for a server. */
  readonly remote: Endpoint;
  /**
   * Of a server: where that listens. Not set: the plugin of a client, which
   * listens on a port that is free.
   */
  readonly local?: Endpoint;
}

/** `waiting`: it has ended, and is started again after a while. */
export type PluginState = "starting" | "ready" | "waiting" | "stopped";

/** The status of a plugin. Plain data. */
export interface PluginStatus {
  /** Name of the program. */
  readonly name: string;
  /** Name of its server. */
  readonly server: string;
  /** See {@link PluginState}. */
  readonly state: PluginState;
  /** Milliseconds since 1970 when the state began. */
  readonly sinceUnixMs: number;
  /** The number of restarts since the start. */
  readonly restarts: number;
  /** The time of the next start; set while it is `waiting`. */
  readonly nextStartUnixMs?: number;
  /** The last end; not set: it has not ended. */
  readonly lastEnd?: string;
  /** The last line of output before that. */
  readonly lastWords?: string;
}

/** One plugin. */
export class Plugin {
  /** The options as configured. */
  readonly options: PluginOptions;
  /** The place of the plugin. */
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
  /** Ends since it last ran for a while. */
  #ends = 0;
  /** Ends in a row that came at once. */
  #failures = 0;
  #lastEnd: string | undefined;
  #lastWords: string | undefined;
  #holders = 0;

  /** Starts nothing yet. */
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

  /** True if it has ended for good. */
  get isStopped(): boolean {
    return this.#state === "stopped";
  }

  /**
   * The address of the plugin for connections and datagrams; not set: it does
   * not listen.
   */
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

  /** Starts it, and again whenever it ends. Idempotent. */
  start(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#runAll();
    detach(this.#running, "a plugin's supervision", this.#world);
  }

  /**
   * Waits until it listens.
   *
   * @returns Where.
   * @throws {TransportError} `ERR_NET_PLUGIN` when it does not in time, or has
   * failed again and again; the reason of the signal.
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

  /** Why it does not run: what it has ended with. */
  get failure(): TransportError {
    return this.#down(this.#lastEnd ?? "does not listen");
  }

  /** Settles when its first try to listen has worked, or has not. */
  async tried(): Promise<void> {
    while (this.#state === "starting") await this.#changed.promise;
  }

  /**
   * Calls back whenever it listens.
   *
   * @returns Removes the callback.
   */
  onReady(callback: () => void): () => void {
    this.#listeners.add(callback);
    return () => this.#listeners.delete(callback);
  }

  /** Somebody uses it. */
  hold(): void {
    this.#holders++;
  }

  /** Somebody uses it no more; the last of them stops it. */
  release(): void {
    this.#holders--;
    if (this.#holders <= 0) detach(this.stop(), "a plugin's end", this.#world);
  }

  /** Ends it for good, and settles when it is gone. Idempotent. */
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
      : `; it said: "${this.#lastWords}"`;
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

  /** Connects again and again; true once that has worked. */
  async #opens(program: RunningProgram, endpoint: Endpoint): Promise<boolean> {
    // It says nothing over UDP when it is ready.
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
      // The owner of the program waits for it.
      detach(watch, "a plugin's end", this.#world);
    }
  }

  /** @returns Milliseconds until it is started again. */
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
      ? "; until it runs, its server counts as down"
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
    logger.log("debug", `${this.#name} says`, { line: shown });
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

  /** A port of the loopback of the server's family; another one each time. */
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

/** Ends waits for what a plugin does. */
const ENDED = new TransportError("ERR_NET_PLUGIN", "The plugin has ended");

/** The address that reaches a listener on every address. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  return host === "::" ? "::1" : host;
}

/** True if a promise that does not reject has not settled yet. */
async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol();
  return await Promise.race([promise, Promise.resolve(pending)]) === pending;
}
