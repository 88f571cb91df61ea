import assert from "node:assert/strict";
import { test } from "node:test";
import type { PanelTraffic } from "../../../../src/codec/uniproxy.ts";
import { StoreError } from "../../../../src/errors.ts";
import type { NodeMemory, UsageReport } from "../../../../src/fleet.ts";
import type { PushOutcome } from "../../../../src/service/panel/panel_client.ts";
import { TrafficBook } from "../../../../src/service/panel/traffic_book.ts";
import { seededRandom } from "../../../support/bytes.ts";

const PREFIX = "panel/x/7/";

/** A disk that may refuse. */
class Disk implements NodeMemory {
  readonly values = new Map<string, string>();
  isFull = false;

  entries(prefix: string): [string, string][] {
    return [...this.values].filter(([key]) => key.startsWith(prefix))
      .sort(([a], [b]) => a < b ? -1 : 1);
  }

  write(changes: Iterable<readonly [string, string | undefined]>): void {
    if (this.isFull) throw new StoreError("ERR_STORE_FULL", "The disk is full");
    for (const [key, value] of changes) {
      if (value === undefined) this.values.delete(key);
      else this.values.set(key, value);
    }
  }
}

function total(
  bytesUp: number,
  bytesDown: number,
  sequence = 1,
): UsageReport {
  return {
    ...{ service: "1", name: "1", bytesUp, bytesDown, connections: 1 },
    ...{ open: 0, wantBytes: 0, sequence },
  };
}

function bookOn(memory: NodeMemory | undefined, resends = false): TrafficBook {
  return new TrafficBook({ memory, prefix: PREFIX, resends });
}

const FAILURE = new Error("it failed");

type Sent = ReadonlyMap<number, PanelTraffic>;

function answer(
  kind: PushOutcome["kind"],
  sent: Sent[] = [],
): (traffic: Sent) => Promise<PushOutcome> {
  return (traffic) => {
    sent.push(traffic);
    return Promise.resolve({ kind, error: FAILURE });
  };
}

test("TrafficBook sends differences of totals, each once", async () => {
  const book = bookOn(undefined);
  const sent: Sent[] = [];
  book.hear(1, total(10, 20));
  book.hear(1, total(10, 20));
  book.hear(1, total(15, 20));
  // What is late says nothing new.
  book.hear(1, total(5, 5));
  book.hear(2, total(0, 0));
  assert.equal(book.pendingBytes, 35);
  assert.deepEqual(await book.push(answer("taken", sent)), {
    kind: "taken",
    error: FAILURE,
  });
  assert.equal(await book.push(answer("taken", sent)), undefined);
  book.hear(1, total(15, 21));
  await book.push(answer("taken", sent));
  assert.deepEqual(sent, [new Map([[1, [15, 20]]]), new Map([[1, [0, 1]]])]);
  assert.equal(book.pendingBytes + book.uncertainBytes, 0);
});

test("TrafficBook keeps what surely did not arrive, and what comes meanwhile", async () => {
  const book = bookOn(new Disk());
  book.hear(1, total(10, 0));
  await book.push((traffic) => {
    book.hear(1, total(11, 0));
    return answer("refused")(traffic);
  });
  assert.equal(book.pendingBytes, 11);
  const sent: Sent[] = [];
  await book.push(answer("taken", sent));
  assert.deepEqual(sent, [new Map([[1, [11, 0]]])]);
});

test("TrafficBook does not send again what may have arrived, unless told to", async () => {
  for (const resends of [false, true]) {
    const book = bookOn(undefined, resends);
    book.hear(1, total(10, 0));
    await book.push(answer("unknown"));
    assert.equal(book.uncertainBytes, resends ? 0 : 10);
    assert.equal(book.pendingBytes, resends ? 10 : 0);
  }
});

test("TrafficBook goes on after a restart, and knows what was under way", async () => {
  const disk = new Disk();
  const first = bookOn(disk);
  first.hear(1, total(10, 5));
  let seen: readonly string[] = [];
  await first.push((traffic) => {
    // Written down before it leaves.
    seen = [...disk.values.keys()];
    return answer("taken")(traffic);
  });
  assert.deepEqual(seen, [`${PREFIX}batch`]);
  first.hear(1, total(20, 5));
  first.save();
  const second = bookOn(disk);
  assert.deepEqual([second.pendingBytes, second.uncertainBytes], [10, 0]);
  // Totals start at zero with the process.
  second.hear(1, total(1, 0));
  assert.equal(second.pendingBytes, 11);
  const { promise } = Promise.withResolvers<PushOutcome>();
  const dying = second.push(() => promise);
  const third = bookOn(disk);
  assert.deepEqual([third.pendingBytes, third.uncertainBytes], [0, 11]);
  assert.equal(disk.values.size, 0);
  dying.catch(() => {});
});

test("TrafficBook sends nothing that it cannot write down", async () => {
  const disk = new Disk();
  const book = bookOn(disk);
  book.hear(1, total(10, 0));
  disk.isFull = true;
  const sent: Sent[] = [];
  await assert.rejects(book.push(answer("taken", sent)), {
    code: "ERR_STORE_FULL",
  });
  assert.deepEqual([sent.length, book.pendingBytes], [0, 10]);
  disk.isFull = false;
  await book.push(answer("taken", sent));
  assert.deepEqual([sent.length, book.pendingBytes], [1, 0]);
});

test("TrafficBook bills each byte once, whatever happens, with a restart at any time", async () => {
  const next = seededRandom(5);
  const disk = new Disk();
  const totals = [0, 0, 0];
  let [book, billed, moved, uncertain] = [bookOn(disk), 0, 0, 0];
  for (let i = 0; i < 2_000; i++) {
    const bytes = next() % 1_000;
    moved += bytes;
    totals[i % 3]! += bytes;
    book.hear(1 + i % 3, total(totals[i % 3]!, 0));
    if (next() % 4 === 0) {
      const kind = (["taken", "refused", "unknown"] as const)[next() % 3]!;
      await book.push((traffic) => {
        if (kind === "taken") {
          for (const [up, down] of traffic.values()) billed += up + down;
        }
        return answer(kind)(traffic);
      });
    }
    assert.equal(
      billed + book.pendingBytes + book.uncertainBytes + uncertain,
      moved,
    );
    if (next() % 50 === 0) {
      book.save();
      uncertain += book.uncertainBytes;
      book = bookOn(disk);
      totals.fill(0);
    }
  }
  assert.ok(billed > 0);
});

test("TrafficBook counts a user from nothing who was removed and comes again", async () => {
  const book = bookOn(undefined);
  book.hear(1, total(1_000, 0, 1));
  book.hear(1, total(1_500, 0, 9));
  await book.push(answer("taken"));
  book.hear(1, total(7, 0, 1));
  book.hear(1, total(9, 0, 2));
  assert.equal(book.pendingBytes, 9);
});
