/**
 * Tests the totals of a fleet.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import type { UsedBytes, UserId } from "../../../../src/fleet.ts";
import {
  FLEET_COPY_BATCH,
  FLEET_TOP_USERS,
  FLEET_TOTALS_MS,
} from "../../../../src/limits.ts";
import {
  type KnownUser,
  TotalsReader,
} from "../../../../src/service/fleet/fleet_totals.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const clock = new FakeClock();

/** A fleet whose answers the test provides. */
class Source {
  users: KnownUser[] = [];
  isAway = false;
  readonly batches: number[] = [];
  /** Used bytes by name; a user without is not in the fleet. */
  readonly bytes: Map<string, number> = new Map();
  readonly reader: TotalsReader = new TotalsReader({
    clock,
    users: () => this.users,
    used: (users) => this.#used(users),
    nodes: () =>
      Promise.resolve({ nodes: [], unixMs: 0, isCurrent: !this.isAway }),
  });

  add(name: string, usedBytes: number, rest: Partial<KnownUser> = {}): void {
    const user = { service: "8388", name, limits: {}, disabled: false };
    this.users.push({ ...user, ...rest });
    this.bytes.set(name, usedBytes);
  }

  async #used(
    users: readonly UserId[],
  ): Promise<(UsedBytes | undefined)[] | undefined> {
    await Promise.resolve();
    if (this.isAway) return undefined;
    this.batches.push(users.length);
    return users.map(({ name }) => {
      const bytes = this.bytes.get(name);
      return bytes === undefined ? undefined : { bytesUp: 0, bytesDown: bytes };
    });
  }
}

test("every user has one state", async () => {
  const source = new Source();
  const past = { expiresUnixMs: clock.unixMs() };
  source.add("free", 10);
  source.add("near", 9, { limits: { quotaBytes: 10 } });
  source.add("spent", 12, { limits: { quotaBytes: 10 } });
  source.add("expired", 12, { limits: { quotaBytes: 10, ...past } });
  source.add("disabled", 0, { limits: past, disabled: true });
  source.add("nothing", 0, { limits: { quotaBytes: 0 } });
  source.add("removed", 0);
  source.bytes.delete("removed");
  const { users, top } = (await source.reader.read())!;
  assert.deepEqual(users, { active: 2, disabled: 1, expired: 1, spent: 2 });
  const parts = top.map(({ name, part }) => `${name} ${part}`);
  assert.deepEqual(parts.sort(), [
    ...["expired 1.2", "near 0.9", "nothing 1", "spent 1.2"],
  ]);
});

test("the highest of many users are found, in batches", async () => {
  const source = new Source();
  const count = 2 * FLEET_COPY_BATCH + 1;
  // The order of the users says nothing about their usage.
  for (let i = 0; i < count; i++) {
    const usedBytes = (i * 7_919) % count;
    source.add(`user ${i}`, usedBytes, { limits: { quotaBytes: count } });
  }
  const { top, users } = (await source.reader.read())!;
  assert.equal(users.active, count);
  assert.deepEqual(
    top.map(({ part }) => Math.round(part * count)),
    Array.from({ length: FLEET_TOP_USERS }, (_, i) => count - 1 - i),
  );
  assert.deepEqual(source.batches, [FLEET_COPY_BATCH, FLEET_COPY_BATCH, 1]);
});

test("requests share a reading, which is reused for a time", async () => {
  const source = new Source();
  source.add("alice", 1, { limits: { quotaBytes: 2 } });
  await Promise.all([source.reader.read(), source.reader.read()]);
  source.bytes.set("alice", 2);
  await clock.advance(FLEET_TOTALS_MS - 1);
  assert.equal((await source.reader.read())!.users.active, 1);
  assert.equal(source.batches.length, 1);
  await clock.advance(1);
  assert.equal((await source.reader.read())!.users.spent, 1);
  assert.equal(source.batches.length, 2);
});

test("nothing is told while the source is away", async () => {
  const source = new Source();
  source.add("alice", 1);
  source.isAway = true;
  assert.equal(await source.reader.read(), undefined);
  source.isAway = false;
  assert.equal((await source.reader.read())!.users.active, 1);
  source.isAway = true;
  await clock.advance(FLEET_TOTALS_MS);
  assert.equal(await source.reader.read(), undefined);
});
