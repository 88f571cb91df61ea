import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../../src/admin/history.ts";
import type { Status } from "../../../src/admin/operator.ts";
import {
  HISTORY_GAP_MS,
  HISTORY_MS,
  STATUS_INTERVAL_MS,
} from "../../../src/limits.ts";
import { SampleProgram } from "../../support/sample_status.ts";

const FIRST = new SampleProgram({ users: 1 }).status();

/** The sample some milliseconds later, with other numbers. */
function later(ms: number, change: Partial<Status> = {}): Status {
  return { ...FIRST, nowUnixMs: FIRST.nowUnixMs + ms, ...change };
}

/** Traffic with so many bytes more than at first. */
function moved(up: number, down: number): Pick<Status, "traffic" | "servers"> {
  const [server] = FIRST.servers;
  const [user] = server!.users;
  const { bytesUp, bytesDown } = FIRST.traffic;
  return {
    traffic: {
      ...FIRST.traffic,
      bytesUp: bytesUp + up,
      bytesDown: bytesDown + down,
    },
    servers: [{
      ...server!,
      users: [{
        ...user!,
        usage: {
          ...user!.usage,
          bytesUp: user!.usage.bytesUp + up,
          bytesDown: user!.usage.bytesDown + down,
        },
      }],
    }],
  };
}

test("History knows no rate, when there was one look", () => {
  const history = new History();
  history.push(FIRST);
  assert.deepEqual(history.samples.map(({ rate }) => rate), [null]);
  assert.deepEqual(history.rate, { up: 0, down: 0 });
});

test("History divides by the time that passed, for all", () => {
  const history = new History();
  history.push(FIRST);
  history.push(later(2_000, moved(400, 5_000)));
  assert.deepEqual(history.rate, { up: 200, down: 2_500 });
});

test("History shows no negative rate, when counts were cleared", () => {
  const history = new History();
  history.push(FIRST);
  history.push(later(1_000, moved(-1_000, -1_000)));
  assert.deepEqual(history.rate, { up: 0, down: 0 });
});

test("History has a gap, when no request came or the program restarted", () => {
  for (
    const next of [
      later(HISTORY_GAP_MS + 1, moved(9, 9)),
      later(1_000, { startedUnixMs: FIRST.startedUnixMs + 500 }),
    ]
  ) {
    const history = new History();
    history.push(FIRST);
    history.push(next);
    const [, hole, last] = history.samples;
    assert.deepEqual([hole!.residentBytes, last!.rate], [null, null]);
  }
  const history = new History();
  history.push(FIRST);
  history.push(later(HISTORY_GAP_MS, moved(0, 50)));
  assert.deepEqual(history.rate, { up: 0, down: 10 });
});

test("History ignores a look, when it is not later than the last", () => {
  const history = new History();
  history.push(FIRST);
  history.push(later(0, moved(9, 9)));
  assert.equal(history.samples.length, 1);
  assert.equal(history.status, FIRST);
});

test("History forgets, when ten minutes are over", () => {
  const history = new History();
  const looks = HISTORY_MS / STATUS_INTERVAL_MS;
  for (let i = 0; i < looks + 50; i++) {
    history.push(later(i * STATUS_INTERVAL_MS));
  }
  assert.equal(history.samples.length, looks + 1);
});

test("History begins again, when the program's clock was set back", () => {
  const history = new History();
  history.push(FIRST);
  history.push(later(1_000));
  const hourMs = 3_600_000;
  const { startedUnixMs } = FIRST;
  history.push(
    later(2_000 - hourMs, { startedUnixMs: startedUnixMs - hourMs }),
  );
  assert.equal(history.samples.length, 1);
  history.push(
    later(1_500 - hourMs, { startedUnixMs: startedUnixMs - hourMs }),
  );
  history.push(
    later(3_000 - hourMs, { startedUnixMs: startedUnixMs - hourMs }),
  );
  assert.equal(history.samples.length, 2);
  assert.equal(history.status!.nowUnixMs, FIRST.nowUnixMs + 3_000 - hourMs);
});
