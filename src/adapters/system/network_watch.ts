/**
 * Notices that this machine may have another network: its addresses or
 * resolvers are others, or it has slept.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { MACHINE_SLEEP_MS, NETWORK_LOOK_MS } from "../../limits.ts";
import type { NetworkChanges } from "../../network_changes.ts";
import type { Logger, Metrics } from "../../observe.ts";
import { isPermitted } from "./runtime.ts";

/** What a watch depends on. */
export interface NetworkWatchOptions {
  /** Measures the time between two looks. */
  readonly clock: Clock;
  /** Gets a line for each change. */
  readonly logger: Logger;
  /** Counts the changes. */
  readonly metrics: Pick<Metrics, "networkChanged">;
  /**
   * Returns what differs between networks, in any order; not set if it may not
   * be read.
   */
  readonly traits?: (() => readonly string[]) | undefined;
}

/** Watches from the first listener to the last one. */
export class NetworkWatch implements NetworkChanges, Disposable {
  readonly #options: NetworkWatchOptions;
  readonly #listeners = new Set<() => void>();
  #traits = "";
  #lookedMs = 0;
  #lookedUnixMs = 0;
  #cancel: () => void = () => {};

  /** Makes a watch, which has no timer until there is a listener. */
  constructor(options: NetworkWatchOptions) {
    this.#options = options;
  }

  /** See {@link NetworkChanges.onChange}. */
  onChange(changed: () => void): () => void {
    // A wrapper, because the same function may be given twice.
    const listener = (): void => changed();
    this.#listeners.add(listener);
    if (this.#listeners.size === 1) {
      this.#remember(this.#read());
      this.#schedule();
    }
    return () => {
      const wasLast = this.#listeners.delete(listener) &&
        this.#listeners.size === 0;
      if (wasLast) this.#cancel();
    };
  }

  /** Ends the watch for every listener. Idempotent. */
  [Symbol.dispose](): void {
    this.#listeners.clear();
    this.#cancel();
  }

  #schedule(): void {
    this.#cancel = this.#options.clock.schedule(() => {
      this.#schedule();
      this.#look();
    }, NETWORK_LOOK_MS);
  }

  #look(): void {
    const { logger, metrics } = this.#options;
    const sleptMs = this.#sleptMs();
    const traits = this.#read();
    const reason = traits !== this.#traits
      ? "its addresses or resolvers are others"
      : sleptMs >= MACHINE_SLEEP_MS
      ? `it slept for ${Math.round(sleptMs / 1_000)} s, or its clock was set`
      : undefined;
    this.#remember(traits);
    if (reason === undefined) return;
    metrics.networkChanged();
    logger.log(
      "info",
      "the network of this machine has changed: servers are tried at once",
      { reason },
    );
    for (const listener of [...this.#listeners]) listener();
  }

  /**
   * Returns how much later than planned this look is. A machine that sleeps
   * stops the monotonic clock on some systems, and the wall clock on none.
   */
  #sleptMs(): number {
    const { clock } = this.#options;
    const tookMs = Math.max(
      clock.monotonicMs() - this.#lookedMs,
      clock.unixMs() - this.#lookedUnixMs,
    );
    return tookMs - NETWORK_LOOK_MS;
  }

  #remember(traits: string): void {
    const { clock } = this.#options;
    this.#traits = traits;
    this.#lookedMs = clock.monotonicMs();
    this.#lookedUnixMs = clock.unixMs();
  }

  /** Returns the traits, or the last ones if they cannot be read now. */
  #read(): string {
    try {
      return [...this.#options.traits?.() ?? []].sort().join("\n");
    } catch {
      // Reading takes a descriptor, and there may be none for a while.
      return this.#traits;
    }
  }
}

/**
 * Returns why the addresses of this machine cannot be read; `undefined` if they
 * can.
 */
export function whyUnseen(): string | undefined {
  if (!maySeeAddresses()) return "run with --allow-sys=networkInterfaces";
  try {
    networkInterfaces();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * The permission is only queried, because a request could open a prompt on the
 * operator's terminal.
 */
function maySeeAddresses(): boolean {
  if (!("Deno" in globalThis)) return true;
  const { state } = Deno.permissions.querySync({
    name: "sys",
    kind: "networkInterfaces",
  });
  return state === "granted";
}

/**
 * Returns the addresses at which other machines reach this one, and its
 * resolvers. Containers that start and end change only link-local addresses,
 * which are left out.
 */
export function networkTraits(): string[] {
  const addresses = Object.entries(networkInterfaces()).flatMap((
    [name, all = []],
  ) =>
    all.filter(({ internal, address }) =>
      !internal && !/^(?:fe80:|169\.254\.)/i.test(address)
    ).map(({ address, netmask }) => `${name} ${address} ${netmask}`)
  );
  return [...addresses, ...resolverLines()];
}

const RESOLVERS = "/etc/resolv.conf";

function resolverLines(): string[] {
  if (!isPermitted({ name: "read", value: RESOLVERS })) return [];
  try {
    return readFileSync(RESOLVERS, "utf8").match(/^nameserver .*$/gm) ?? [];
  } catch {
    // Some systems have no such file.
    return [];
  }
}
