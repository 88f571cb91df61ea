/**
 * Strangers of every kind come to real processes over real sockets, hundreds at
 * once: to an idle server, to one that serves a download, to one that has too
 * many of them, and to one that is full. What they see does not tell their kind.
 *
 * Chance has a part here; that a test fails without a cause has a probability of
 * about one in 10,000.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { withoutDrain } from "../support/mutant_source.ts";
import { report } from "../support/report.ts";
import { groupBy, tellApart } from "../support/statistics.ts";
import { Target } from "../support/target.ts";
import type { TcpStream } from "../support/tcp.ts";
import {
  PATIENCE_MS,
  readOn,
  Scene,
  type Seen,
  type ServerOptions,
} from "./stranger_scene.ts";

/** Of each of about 1,000 comparisons in a run. */
const ALPHA = 1e-7;

const OLD = { method: "aes-256-gcm", withUsers: false };
const NEW = { method: "2022-blake3-aes-128-gcm", withUsers: true };

const EVERYWHERE: ServerOptions[] = ["127.0.0.1", "::1"].flatMap((host) =>
  [OLD, NEW].map((keys) => ({ host, ...keys }))
);

for (const runtime of ["deno", "bun"] as const) {
  describe(`strangers to a server on ${runtime}`, () => {
    test("cannot be told apart, over IPv4 and IPv6, whether idle or busy", async () => {
      await using target = await Target.start();
      await using scene = await Scene.start(runtime, target, EVERYWHERE);
      const idle = await scene.meet(scene.everybody(6));
      using download = await scene.request(0, "down 4000000000");
      const reading = readOn(download);
      const busy = await scene.meet(scene.everybody(6));
      download.close();
      assert.ok(await reading > 1_000_000, "the download stood still");
      for (const seen of [idle, busy]) {
        for (const { reaction: { bytes, end }, kind } of seen) {
          assert.deepEqual([bytes, end], [0, "fin"], kind);
        }
        for (const leaves of [false, true]) {
          const some = seen.filter((one) => one.leaves === leaves);
          assert.deepEqual(tellKinds(some), []);
          assert.deepEqual(tellServers(some), []);
          for (const { reaction: { atMs } } of some) {
            // Timers are rounded.
            if (!leaves) assert.ok(atMs > PATIENCE_MS - 5, `${atMs}`);
          }
        }
      }
      assert.equal(target.accepted, 1 + EVERYWHERE.length);
      const refused = await scene.refused();
      assert.ok(refused["ERR_SS_REPLAY"]! > 100, JSON.stringify(refused));
      assert.ok(refused["ERR_SS_TIMESTAMP"]! > 10, JSON.stringify(refused));
    });

    test("cannot be told apart, when there are too many of them", async () => {
      await using target = await Target.start();
      await using scene = await Scene.start(runtime, target, [
        { ...NEW, host: "127.0.0.1", maxConnections: 100 },
      ]);
      const seen = await scene.meet(
        scene.everybody(16).filter(({ leaves }) => !leaves),
      );
      assert.deepEqual(tellKinds(seen), []);
      const early = seen.filter(({ reaction }) => reaction.atMs < 1_000);
      assert.ok(early.length > 100, `${early.length} had to leave early`);
      const { ERR_POLICY_STRANGERS: left } = await scene.refused();
      assert.ok(left! > 100, `${left} had to leave`);
      report(
        `${runtime}: ${early.length} of ${seen.length} strangers left early`,
      );
    });

    test("cannot be told apart, when no place is left", async () => {
      await using target = await Target.start();
      await using scene = await Scene.start(runtime, target, [
        { ...OLD, host: "127.0.0.1", maxConnections: 10 },
      ]);
      const guests: TcpStream[] = [];
      // One has a place already: the connection that was recorded.
      while (guests.length < 9) guests.push(await scene.request(0, "echo"));
      const seen = await scene.meet(
        scene.everybody(8).filter(({ leaves }) => !leaves),
        1_500,
      );
      assert.deepEqual(tellKinds(seen), []);
      for (const { reaction: { bytes }, kind } of seen) {
        assert.equal(bytes, 0, kind);
      }
      for (const guest of guests) guest.close();
    });

    test("can be told apart, when the server does not drain", async () => {
      using source = withoutDrain();
      await using target = await Target.start();
      await using scene = await Scene.start(
        runtime,
        target,
        EVERYWHERE,
        source.path,
      );
      const seen = await scene.meet(scene.everybody(6));
      const found = tellKinds(seen.filter(({ leaves }) => !leaves));
      assert.ok(found.length >= 5, found.join("\n"));
    });
  });
}

function tellKinds(seen: readonly Seen[]): string[] {
  return tell(seen, ({ kind }) => kind);
}

function tellServers(seen: readonly Seen[]): string[] {
  return tell(seen, ({ server }) => server);
}

function tell(
  seen: readonly Seen[],
  nameOf: (one: Seen) => string,
): string[] {
  const groups = [...groupBy(seen, nameOf)].map(([name, group]) =>
    [name, group.map(({ reaction }) => reaction)] as const
  );
  return tellApart(new Map(groups), ALPHA);
}
