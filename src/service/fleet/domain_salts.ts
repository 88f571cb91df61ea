/**
 * The salts that the nodes of a domain have served, so that a copy of a request
 * to one of them is served by none.
 *
 * The others hear of what this node has served each {@link SALT_TELL_MS};
 * what they tell is kept in a memory of its own, which forgets the oldest when
 * it is full: their salts never make the own memory refuse. Nothing in the path
 * of a connection waits for it. With `strict`, a request is served only once
 * its salt was claimed for this node, which fails closed.
 *
 * @module
 */
import { type Clock, pause } from "../../clock.ts";
import type { SaltExchange } from "../../fleet.ts";
import {
  FLEET_RETRY_MS,
  MAX_SALT_BACKLOG,
  SALT_GENERATION,
  SALT_MARK_LENGTH,
  SALT_TELL_BYTES,
  SALT_TELL_MS,
} from "../../limits.ts";
import { onAbort, type StopSignal } from "../../on_abort.ts";
import {
  RecentSalts,
  type ReplayFilter,
  type SaltPool,
} from "../../security/replay_filter.ts";
import { SaltTable } from "../../security/salt_table.ts";

/** How the nodes of a domain make sure that a request is served once. */
export type Replay = "exchange" | "strict";

/** The member whose salts these are. */
export interface SaltHost {
  readonly clock: Clock;
  /** True while the source does not answer. */
  readonly isOut: boolean;
  /** Aborted when the server takes no part any more. */
  readonly signal: StopSignal;
  /** The source did not answer, or refused. */
  fail(error: unknown): void;
  /** Measures how long an answer takes. */
  timed<T>(call: "tell" | "claim", answer: Promise<T>): Promise<T>;
  /** Has work waited for at the end. */
  track(work: Promise<unknown>, what: string): void;
}

/** Salts by what became of them. */
export interface SaltCounts {
  /** Salts that the others were told. */
  readonly told: number;
  /** Salts that others have told. */
  readonly heard: number;
  /** Salts that the others were not told: the source was away for too long. */
  readonly lost: number;
  /** Requests that were refused since the source did not take their salts. */
  readonly unclaimed: number;
}

/** A memory of this process, which knows at once. */
type OwnFilter = SaltPool | RecentSalts;

/** One node's part. */
export class DomainSalts {
  readonly #host: SaltHost;
  readonly #isStrict: boolean;
  /** Not set until the source was reached; the source may have none. */
  #exchange: SaltExchange | undefined;
  /** Not made before another node has told something. */
  #others: RecentSalts | undefined;
  /** The salts that no message has yet, and how many of its bytes they take. */
  #young = new Uint8Array(0);
  #youngBytes = 0;
  /** Messages that were not taken yet, the oldest first. */
  #waiting: Uint8Array[] = [];
  #isTelling = false;
  #cancel: (() => void) | undefined;
  readonly #counts = { told: 0, heard: 0, lost: 0, unclaimed: 0 };

  constructor(host: SaltHost, replay: Replay) {
    this.#host = host;
    this.#isStrict = replay === "strict";
    onAbort(host.signal, () => this.#stopTimer());
  }

  get counts(): SaltCounts {
    return { ...this.#counts };
  }

  /** A filter that knows what the whole domain has served. */
  filter(own: OwnFilter): ReplayFilter {
    return new DomainFilter(own, this);
  }

  /**
   * Reads what was served of late, then follows what is.
   *
   * @throws {TransportError | StoreError} When that cannot be read.
   */
  async begin(exchange: SaltExchange): Promise<void> {
    const { parts, position } = await exchange.told();
    await this.#hear(parts);
    this.#exchange = exchange;
    this.#host.track(this.#follow(exchange, position), "fleet: salts");
    this.flush();
  }

  /** True if another node has served it. */
  isServed(salt: Uint8Array): boolean {
    return this.#others?.has(salt) ?? false;
  }

  /** Takes a salt that this node serves. */
  note(salt: Uint8Array): void {
    if (this.#youngBytes === this.#young.length) this.#seal();
    const mark = salt.subarray(0, SALT_MARK_LENGTH);
    this.#young.fill(0, this.#youngBytes, this.#youngBytes + SALT_MARK_LENGTH);
    this.#young.set(mark, this.#youngBytes);
    this.#youngBytes += SALT_MARK_LENGTH;
    if (this.#waiting.length > 0) this.flush();
    else this.#later();
  }

  /** @returns An answer that is still to come, unless none is needed. */
  claim(salt: Uint8Array): boolean | Promise<boolean> {
    if (!this.#isStrict) return true;
    if (this.#exchange !== undefined && !this.#host.isOut) {
      return this.#claim(this.#exchange, salt);
    }
    this.#counts.unclaimed++;
    return false;
  }

  /** Tells the others, unless that is under way or cannot be. */
  flush(): void {
    const { signal, isOut } = this.#host;
    if (signal.aborted || isOut || this.#isTelling) return;
    if (this.#exchange === undefined) return;
    this.#stopTimer();
    const parts = this.#takeAll();
    if (parts.length === 0) return;
    this.#isTelling = true;
    this.#host.track(this.#tell(this.#exchange, parts), "fleet: salts");
  }

  /**
   * Tells the rest.
   *
   * @throws {TransportError | StoreError} When the source does not take it.
   */
  async end(): Promise<void> {
    this.#stopTimer();
    const parts = this.#takeAll();
    if (parts.length > 0) await this.#exchange?.tell(parts);
  }

  async #claim(exchange: SaltExchange, salt: Uint8Array): Promise<boolean> {
    try {
      return await this.#host.timed("claim", exchange.claim(salt));
    } catch (error) {
      this.#counts.unclaimed++;
      this.#host.fail(error);
      return false;
    }
  }

  async #tell(
    exchange: SaltExchange,
    parts: readonly Uint8Array[],
  ): Promise<void> {
    try {
      await this.#host.timed("tell", exchange.tell(parts));
      this.#counts.told += countOf(parts);
    } catch (error) {
      // The source may have it, and has it twice then, which changes nothing.
      this.#waiting.unshift(...parts);
      this.#forgetOldest();
      this.#host.fail(error);
    } finally {
      this.#isTelling = false;
    }
    if (this.#youngBytes > 0 || this.#waiting.length > 0) this.#later();
  }

  async #follow(
    exchange: SaltExchange,
    from: string,
  ): Promise<void> {
    const { clock, signal } = this.#host;
    let position: string | undefined = from;
    while (!signal.aborted) {
      try {
        const told = await exchange.told(position);
        await this.#hear(told.parts);
        position = told.position;
      } catch (error) {
        this.#host.fail(error);
        // An engine that took another's place may not have come as far.
        position = undefined;
        await pause(clock, FLEET_RETRY_MS, signal);
      }
    }
  }

  /** Others have their turn between two messages. */
  async #hear(parts: readonly Uint8Array[]): Promise<void> {
    const { clock, signal } = this.#host;
    for (const [i, part] of parts.entries()) {
      if (i > 0) await pause(clock, 0, signal);
      this.#others ??= new RecentSalts(SaltTable.make(SALT_GENERATION, false));
      const end = part.length - SALT_MARK_LENGTH;
      for (let at = 0; at <= end; at += SALT_MARK_LENGTH) {
        this.#others.remember(part.subarray(at, at + SALT_MARK_LENGTH));
        this.#counts.heard++;
      }
    }
  }

  #later(): void {
    const { clock, signal } = this.#host;
    if (signal.aborted) return;
    this.#cancel ??= clock.schedule(() => {
      this.#cancel = undefined;
      this.flush();
    }, SALT_TELL_MS);
  }

  #stopTimer(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  /** Ends a message that is full. */
  #seal(): void {
    if (this.#youngBytes > 0) this.#waiting.push(this.#young);
    this.#young = new Uint8Array(SALT_TELL_BYTES);
    this.#youngBytes = 0;
    this.#forgetOldest();
  }

  #takeAll(): Uint8Array[] {
    const parts = this.#waiting;
    this.#waiting = [];
    if (this.#youngBytes > 0) {
      parts.push(this.#young.slice(0, this.#youngBytes));
      this.#youngBytes = 0;
    }
    return parts;
  }

  #forgetOldest(): void {
    const many = this.#waiting.length - MAX_SALT_BACKLOG;
    if (many <= 0) return;
    this.#counts.lost += countOf(this.#waiting.splice(0, many));
  }
}

/** What this process has seen, and then the others. */
class DomainFilter implements ReplayFilter {
  readonly #own: OwnFilter;
  readonly #salts: DomainSalts;

  constructor(own: OwnFilter, salts: DomainSalts) {
    this.#own = own;
    this.#salts = salts;
  }

  remembers(stampSeconds: number): boolean {
    return this.#own.remembers(stampSeconds);
  }

  add(salt: Uint8Array, stampSeconds?: number): boolean | Promise<boolean> {
    if (!this.#own.add(salt, stampSeconds)) return false;
    if (this.#salts.isServed(salt)) return false;
    this.#salts.note(salt);
    return this.#salts.claim(salt);
  }

  remember(salt: Uint8Array): void {
    this.#own.remember(salt);
    this.#salts.note(salt);
  }
}

function countOf(parts: readonly Uint8Array[]): number {
  return parts.reduce((sum, { length }) => sum + length, 0) / SALT_MARK_LENGTH;
}
