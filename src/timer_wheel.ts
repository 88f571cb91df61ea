/**
 * Thousands of long waits that share one timer of the system.
 *
 * @module
 */
import { MAX_TIMER_MS, WHEEL_TICK_MS } from "./limits.ts";
import { Roster } from "./roster.ts";

/** The system's own timers, which are exact but cost more. */
export interface Timers {
  /** Milliseconds that never decrease. */
  monotonicMs(): number;
  /** Runs `callback` once after `delayMs`; the result cancels it. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** Callbacks that are due at the same tick. */
type Tick = Roster<() => void>;

/**
 * Schedules callbacks with a delay of up to {@link WHEEL_TICK_MS}. Scheduling
 * and cancelling cost the same, however many callbacks wait.
 */
export class TimerWheel {
  readonly #timers: Timers;
  /** The callbacks by the number of their tick. */
  readonly #ticks = new Map<number, Tick>();
  /** The tick that the system's timer waits for. */
  #next = Infinity;
  #cancelTimer: () => void = () => {};

  /** @param timers The wheel uses one timer at a time. */
  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** Schedules a callback as {@link Timers.schedule} does. */
  schedule(callback: () => void, delayMs: number): () => void {
    const dueMs = this.#timers.monotonicMs() + delayMs;
    const number = Math.ceil(dueMs / WHEEL_TICK_MS);
    const tick = this.#ticks.get(number) ?? this.#add(number);
    const entry = tick.add(callback);
    return () => {
      entry.remove();
      if (tick.size > 0 || this.#ticks.get(number) !== tick) return;
      this.#ticks.delete(number);
      if (this.#ticks.size === 0) this.#wait(Infinity);
    };
  }

  #add(number: number): Tick {
    const tick: Tick = new Roster();
    this.#ticks.set(number, tick);
    if (number < this.#next) this.#wait(number);
    return tick;
  }

  #wait(number: number): void {
    this.#cancelTimer();
    this.#next = number;
    if (number === Infinity) return;
    const delayMs = number * WHEEL_TICK_MS - this.#timers.monotonicMs();
    this.#cancelTimer = this.#timers.schedule(
      () => this.#turn(),
      Math.min(Math.max(0, delayMs), MAX_TIMER_MS),
    );
  }

  #turn(): void {
    const now = this.#timers.monotonicMs() / WHEEL_TICK_MS;
    try {
      for (const [number, tick] of this.#ticks) {
        if (number > now) continue;
        for (const call of tick.takeAll()) call();
        this.#ticks.delete(number);
      }
    } finally {
      // After a callback throws, the remaining callbacks are still due.
      let next = Infinity;
      for (const number of this.#ticks.keys()) next = Math.min(next, number);
      this.#wait(next);
    }
  }
}
