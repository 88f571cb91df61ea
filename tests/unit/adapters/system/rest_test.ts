import assert from "node:assert/strict";
import { test } from "node:test";
import { garbageCollector } from "../../../../src/adapters/system/_garbage.ts";
import { Growth, Rest } from "../../../../src/adapters/system/rest.ts";
import {
  GROWTH_BYTES,
  GROWTH_CHECK_MS,
  REST_CHECK_MS,
  REST_COST_SHARE,
  REST_ENDED,
  REST_GROWTH,
  REST_LOAD,
  REST_SWEEP_MS,
  REST_WORTH_MS,
} from "../../../../src/limits.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { pause } from "../../../support/within.ts";

/** A process that has started, and works as the test says. */
class FakeProcess {
  readonly clock = new FakeClock();
  /** Processor time used. */
  processorMs = 10 * REST_WORTH_MS;
  rests = 0;
  trims = 0;
  bytes: number | undefined = 100;
  connections = 0;
  /** What a rest costs. */
  costMs = 1;
  readonly rest = new Rest({
    clock: this.clock,
    processorMs: () => this.processorMs,
    residentBytes: () => this.bytes,
    connections: () => this.connections,
    giveBack: () => {
      this.rests++;
      this.processorMs += this.costMs;
    },
    trim: () => this.trims++,
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

test("Rest gives back what little work has made memory grow", async () => {
  const program = new FakeProcess();
  await program.workAndRest(0);
  await program.work(LITTLE_MS);
  program.bytes = 100 * REST_GROWTH;
  await program.work(LITTLE_MS);
  assert.equal(program.rests, 1);
  program.bytes++;
  await program.work(MUCH_MS);
  assert.equal(program.rests, 1, "while there is work");
  await program.work(LITTLE_MS);
  assert.equal(program.rests, 2);
  for (let i = 0; i < 3; i++) await program.work(LITTLE_MS);
  assert.equal(program.rests, 2, "of what is still in use");
});

test("Rest gives back what connections held that have ended", async () => {
  const program = new FakeProcess();
  await program.workAndRest(0);
  program.connections = 2 * REST_ENDED;
  await program.work(LITTLE_MS);
  program.connections = REST_ENDED + 1;
  await program.work(LITTLE_MS);
  assert.equal(program.rests, 1);
  program.connections--;
  await program.work(LITTLE_MS);
  assert.equal(program.rests, 2);
  program.connections = 1;
  await program.work(LITTLE_MS);
  assert.equal(program.rests, 2);
});

test("Rest knows nothing of memory, while no descriptor is left", async () => {
  const program = new FakeProcess();
  program.bytes = undefined;
  await program.workAndRest(0);
  await program.work(LITTLE_MS);
  program.bytes = 100;
  await program.work(LITTLE_MS);
  assert.equal(program.rests, 1);
});

test("Rest gives back a second later what is freed after the collection", async () => {
  const program = new FakeProcess();
  await program.work(0);
  await program.work(0);
  assert.equal(program.rests, 1);
  assert.equal(program.trims, 0);
  await program.clock.advance(REST_SWEEP_MS);
  assert.equal(program.trims, 1);
  await program.work(0);
  assert.equal(program.trims, 1);
});

test("Rest looks no more, once it is disposed of", async () => {
  const program = new FakeProcess();
  await program.workAndRest(0);
  program.rest[Symbol.dispose]();
  assert.equal(program.clock.pending, 0);
});

test("Growth has garbage collected as memory grows, and only then", async () => {
  const clock = new FakeClock();
  let bytes = 50 * GROWTH_BYTES;
  let collections = 0;
  using _growth = new Growth({
    clock,
    peakBytes: () => bytes,
    collect: () => collections++,
  });
  const grow = async (by: number): Promise<number> => {
    bytes += by;
    await clock.advance(GROWTH_CHECK_MS);
    return collections;
  };
  assert.equal(await grow(0), 0);
  assert.equal(await grow(GROWTH_BYTES - 1), 0);
  assert.equal(await grow(1), 1);
  assert.equal(await grow(GROWTH_BYTES - 1), 1);
  assert.equal(await grow(3 * GROWTH_BYTES), 2);
});

test("Growth looks no more, once it is disposed of", () => {
  const clock = new FakeClock();
  const growth = new Growth({
    clock,
    peakBytes: () => 1,
    collect: () => 1,
  });
  growth[Symbol.dispose]();
  assert.equal(clock.pending, 0);
});

test("garbageCollector() collects all", async () => {
  const { all } = garbageCollector();
  assert.ok(all !== undefined);
  const garbage = Array.from({ length: 100 }, () => new WeakRef({}));
  // What was made stays until the job that made it has ended.
  await pause(1);
  assert.equal(garbage.filter((ref) => ref.deref()).length, 100);
  await pause(1);
  all();
  // Bun finds some of it on the stack.
  const left = garbage.filter((ref) => ref.deref()).length;
  assert.ok(left < 50, `${left} left`);
});
