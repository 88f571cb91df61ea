import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { garbageCollector } from "../../../src/adapters/_garbage.ts";
import { Rest } from "../../../src/adapters/rest.ts";
import {
  REST_CHECK_MS,
  REST_COST_SHARE,
  REST_LOAD,
  REST_WORTH_MS,
} from "../../../src/limits.ts";
import { FakeClock } from "../../support/fake_clock.ts";

/** A process that has started, and works as the test says. */
class FakeProcess {
  readonly clock = new FakeClock();
  /** Processor time used. */
  processorMs = 10 * REST_WORTH_MS;
  rests = 0;
  /** What a rest costs. */
  costMs = 1;
  readonly rest = new Rest({
    clock: this.clock,
    processorMs: () => this.processorMs,
    giveBack: () => {
      this.rests++;
      this.processorMs += this.costMs;
    },
  });

  /** Uses so much of the processor until the next look. */
  async work(ms: number): Promise<void> {
    this.processorMs += ms;
    await this.clock.advance(REST_CHECK_MS);
  }

  /** Works, and rests of it. */
  async workAndRest(ms: number): Promise<void> {
    await this.work(ms);
    await this.work(0);
  }
}

const LITTLE_MS = REST_LOAD * REST_CHECK_MS / 2;
const MUCH_MS = REST_CHECK_MS / 2;

test("Rest gives back once the work is done, and not again without work", async () => {
  const program = new FakeProcess();
  await program.workAndRest(0);
  assert.equal(program.rests, 1, "of its start");
  for (let i = 0; i < 3; i++) await program.work(MUCH_MS);
  assert.equal(program.rests, 1);
  for (let i = 0; i < 3; i++) await program.work(0);
  assert.equal(program.rests, 2);
});

test("Rest adds up what little work there is", async () => {
  const program = new FakeProcess();
  await program.workAndRest(0);
  const looks = Math.ceil(REST_WORTH_MS / LITTLE_MS);
  for (let i = 1; i < looks; i++) await program.work(LITTLE_MS);
  assert.equal(program.rests, 1);
  await program.work(LITTLE_MS);
  assert.equal(program.rests, 2);
});

test("Rest comes rarer, when it is dear", async () => {
  const program = new FakeProcess();
  program.costMs = 3 * REST_WORTH_MS * REST_COST_SHARE;
  await program.workAndRest(0);
  await program.workAndRest(2 * REST_WORTH_MS);
  assert.equal(program.rests, 1);
  await program.workAndRest(REST_WORTH_MS);
  assert.equal(program.rests, 2);
});

test("Rest looks no more, once it is disposed of", () => {
  const program = new FakeProcess();
  program.rest[Symbol.dispose]();
  assert.equal(program.clock.pending, 0);
});

test("garbageCollector() collects on Deno, and leaves Bun to itself", () => {
  const collect = garbageCollector();
  assert.equal(collect !== undefined, "Deno" in globalThis);
  if (collect === undefined) return;
  const before = heldBytes();
  let garbage: unknown[] | undefined = Array.from(
    { length: 50 },
    () => new Uint8Array(1_000_000),
  );
  assert.ok(heldBytes() - before > 40_000_000, `${garbage.length} arrays`);
  garbage = undefined;
  collect();
  assert.ok(heldBytes() - before < 10_000_000);
});

function heldBytes(): number {
  return process.memoryUsage().external;
}
