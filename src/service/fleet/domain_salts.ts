/**
 * The salts that the nodes of a domain have served, so that each request is
 * served once, by one node.
 *
 * Every {@link SALT_TELL_MS}, a node sends the salts that it has served to the
 * other nodes. Their salts are kept in a separate memory, which forgets the
 * oldest when it is full, so that they never make the node's own memory refuse.
 * No connection waits for this exchange. With `strict`, a request is served
 * only after its salt was claimed for this node; if the claim fails, the
 * request is refused.
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

/** How the nodes of a domain ensure that a request is served once. */
export type Replay = "exchange" | "strict";

/** The member that the salts belong to. */
export interface SaltHost {
  readonly clock: Clock;
  /** True while the source does not answer. */
  readonly isOut: boolean;
  /** Aborted when the server leaves the fleet. */
  readonly signal: StopSignal;
  /** Reports that the source did not answer, or refused. */
  fail(error: unknown): void;
  /** Measures the duration of a call. */
  timed<T>(call: "tell" | "claim", answer: Promise<T>): Promise<T>;
  /** Registers work that the member waits for when it ends. */
  track(work: Promise<unknown>, what: string): void;
}

/** Counts of salts. */
export interface SaltCounts {
  /** Salts that were sent to other nodes. */
  readonly told: number;
  /** Salts that were received from other nodes. */
  readonly heard: number;
  /** Salts that were not sent, because the source was away for too long. */
  readonly lost: number;
  /** Requests that were refused because their salts could not be claimed. */
  readonly unclaimed: number;
}

/** A memory of this process, which answers synchronously. */
type OwnFilter = SaltPool | RecentSalts;

/** The salts of one node and its domain. */
export class DomainSalts {
  readonly #host: SaltHost;
  readonly #isStrict: boolean;
  /**
   * Not set until the source was reached, or if the source exchanges no salts.
   */
  #exchange: SaltExchange | undefined;
  /** The salts of other nodes; not set until some are received. */
  #others: RecentSalts | undefined;
  /**
   * The message that is being filled. Only its first `#youngBytes` bytes are
   * used.
   */
  #young = new Uint8Array(0);
  #youngBytes = 0;
  /** Messages that were not sent yet, the oldest first. */
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

  /** Returns a filter that knows what the whole domain has served. */
  filter(own: OwnFilter): ReplayFilter {
    return new DomainFilter(own, this);
  }

  /**
   * Reads the salts that were served recently, then follows new ones.
   *
   * @throws {TransportError | StoreError} When they cannot be read.
   */
  async begin(exchange: SaltExchange): Promise<void> {
    const { parts, position } = await exchange.told();
    await this.#hear(parts);
    this.#exchange = exchange;
    this.#host.track(this.#follow(exchange, position), "fleet: salts");
    this.flush();
  }

  /** True if another node has served a request with this salt. */
  isServed(salt: Uint8Array): boolean {
    return this.#others?.has(salt) ?? false;
  }

  /** Records a salt that this node serves. */
  note(salt: Uint8Array): void {
    if (this.#youngBytes === this.#young.length) this.#seal();
    const mark = salt.subarray(0, SALT_MARK_LENGTH);
    this.#young.fill(0, this.#youngBytes, this.#youngBytes + SALT_MARK_LENGTH);
    this.#young.set(mark, this.#youngBytes);
    this.#youngBytes += SALT_MARK_LENGTH;
    if (this.#waiting.length > 0) this.flush();
    else this.#later();
  }

  /**
   * @returns True if the request may be served; a promise if the source must be
   * asked.
   */
  claim(salt: Uint8Array): boolean | Promise<boolean> {
    if (!this.#isStrict) return true;
    if (this.#exchange !== undefined && !this.#host.isOut) {
      return this.#claim(this.#exchange, salt);
    }
    this.#counts.unclaimed++;
    return false;
  }

  /** Sends salts to the other nodes, unless that is under way or impossible. */
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
   * Sends the remaining salts.
   *
   * @throws {TransportError | StoreError} When the source does not accept them.
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
      // The source may have received the message. Receiving it twice changes
      // nothing.
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
        // A replica that became primary may lack this position.
        position = undefined;
        await pause(clock, FLEET_RETRY_MS, signal);
      }
    }
  }

  /**
   * Remembers the salts of other nodes. It yields to other work between two
   * messages.
   */
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

  /** Ends a full message and starts the next one. */
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

/** Asks the memory of this process first, then that of the domain. */
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
