import assert from "node:assert/strict";
import { test } from "node:test";
import {
  networkTraits,
  NetworkWatch,
  whyUnseen,
} from "../../../../src/adapters/system/network_watch.ts";
import type { Clock } from "../../../../src/clock.ts";
import { MACHINE_SLEEP_MS, NETWORK_LOOK_MS } from "../../../../src/limits.ts";

/** A machine whose addresses and clocks the test sets. */
class Machine {
  traits: readonly string[] = ["eth0 192.0.2.1", "eth0 2001:db8::1"];
  changes = 0;
  counted = 0;
  reasons: unknown[] = [];
  #monotonicMs = 0;
  #unixMs = 1_700_000_000_000;
  #timer: (() => void) | undefined;
  readonly clock: Clock = {
    monotonicMs: () => this.#monotonicMs,
    unixMs: () => this.#unixMs,
    schedule: (callback, delayMs) => {
      assert.equal(delayMs, NETWORK_LOOK_MS);
      this.#timer = callback;
      return () => {
        if (this.#timer === callback) this.#timer = undefined;
      };
    },
  };
  readonly watch: NetworkWatch;

  constructor(traits: (() => readonly string[]) | undefined) {
    this.watch = new NetworkWatch({
      clock: this.clock,
      logger: {
        enabled: () => true,
        log: (level, _, fields) =>
          this.reasons.push(`${level} ${fields!["reason"]}`),
      },
      metrics: { networkChanged: () => this.counted++ },
      traits,
    });
  }

  static start(): Machine {
    const machine: Machine = new Machine(() => machine.traits);
    return machine;
  }

  get isWatched(): boolean {
    return this.#timer !== undefined;
  }

  /** Lets time pass until the next look. */
  pass(took: { monotonicMs?: number; unixMs?: number } = {}): void {
    const { monotonicMs = NETWORK_LOOK_MS, unixMs = monotonicMs } = took;
    this.#monotonicMs += monotonicMs;
    this.#unixMs += unixMs;
    const timer = this.#timer!;
    this.#timer = undefined;
    timer();
  }
}

test("NetworkWatch reports other addresses once, in whatever order they come", () => {
  const machine = Machine.start();
  machine.watch.onChange(() => machine.changes++);
  machine.pass();
  machine.traits = [...machine.traits].reverse();
  machine.pass();
  assert.equal(machine.changes, 0);
  machine.traits = ["eth0 192.0.2.1"];
  machine.pass();
  machine.pass();
  assert.equal(machine.changes, 1);
  machine.traits = ["eth0 192.0.2.1", "wlan0 198.51.100.7"];
  machine.pass();
  assert.equal(machine.changes, 2);
  assert.equal(machine.counted, 2);
  assert.deepEqual(machine.reasons, [
    "info its addresses or resolvers are others",
    "info its addresses or resolvers are others",
  ]);
});

test("NetworkWatch reports a machine that has slept, whichever clock shows it", () => {
  const machine = Machine.start();
  machine.watch.onChange(() => machine.changes++);
  const sleptMs = NETWORK_LOOK_MS + MACHINE_SLEEP_MS;
  machine.pass({ monotonicMs: sleptMs - 1 });
  machine.pass({ unixMs: sleptMs - 1 });
  machine.pass({ unixMs: -3_600_000 });
  assert.equal(machine.changes, 0);
  machine.pass({ monotonicMs: sleptMs });
  assert.equal(machine.changes, 1);
  machine.pass({ unixMs: sleptMs });
  machine.pass();
  assert.equal(machine.changes, 2);
  const reason = "info it slept for 20 s, or its clock was set";
  assert.deepEqual(machine.reasons, [reason, reason]);
});

test("NetworkWatch reports sleep where it may not see addresses", () => {
  const machine = new Machine(undefined);
  machine.watch.onChange(() => machine.changes++);
  machine.pass();
  machine.pass({ unixMs: 60_000 });
  assert.equal(machine.changes, 1);
});

test("NetworkWatch goes on when the addresses cannot be read for a while", () => {
  let isBroken = false;
  let address = "eth0 192.0.2.1";
  const machine = new Machine(() => {
    if (isBroken) throw new Error("Too many open files");
    return [address];
  });
  machine.watch.onChange(() => machine.changes++);
  isBroken = true;
  machine.pass();
  isBroken = false;
  machine.pass();
  assert.equal(machine.changes, 0);
  isBroken = true;
  machine.pass();
  isBroken = false;
  address = "eth0 192.0.2.9";
  machine.pass();
  assert.equal(machine.changes, 1);
});

test("NetworkWatch has a timer from its first listener to its last one", () => {
  const machine = Machine.start();
  assert.equal(machine.isWatched, false);
  const listener = (): void => void machine.changes++;
  const leaves = [1, 2].map(() => machine.watch.onChange(listener));
  machine.traits = [];
  machine.pass();
  assert.equal(machine.changes, 2);
  leaves[0]!();
  leaves[0]!();
  assert.equal(machine.isWatched, true);
  leaves[1]!();
  assert.equal(machine.isWatched, false);
  // What happens meanwhile is no change for the next listener.
  machine.traits = ["eth0 192.0.2.9"];
  machine.watch.onChange(listener);
  machine.pass();
  assert.equal(machine.changes, 2);
  machine.watch[Symbol.dispose]();
  assert.equal(machine.isWatched, false);
});

test("networkTraits() has no address that only this machine or link has", () => {
  assert.equal(whyUnseen(), undefined);
  for (const line of networkTraits()) {
    if (line.startsWith("nameserver ")) continue;
    assert.match(line, /^\S+ [\da-f.:]+ [\da-f.:]+$/);
    assert.doesNotMatch(line, / (?:127\.|::1 |fe80:|169\.254\.)/);
  }
});
