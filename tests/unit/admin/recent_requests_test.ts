import assert from "node:assert/strict";
import { test } from "node:test";
import { Observations } from "../../../src/admin/observations.ts";
import { RecentRequests } from "../../../src/admin/recent_requests.ts";
import { requestRows } from "../../../src/admin/request_rows.ts";
import { rememberedRequests } from "../../../src/cli/run/world.ts";
import { MAX_RECENT_REQUESTS } from "../../../src/limits.ts";
import type { LocalRequest } from "../../../src/observe.ts";
import { AdminWorld, TOKEN } from "../../support/admin_world.ts";
import { FakeClock } from "../../support/fake_clock.ts";

function request(
  target: string,
  change: Partial<LocalRequest> = {},
): LocalRequest {
  return {
    startedUnixMs: 5,
    client: "127.0.0.1",
    user: undefined,
    target,
    way: undefined,
    server: undefined,
    bytesUp: 0,
    bytesDown: 0,
    durationMs: undefined,
    code: undefined,
    ...change,
  };
}

test("RecentRequests has the last hundred as they are now, the latest first", () => {
  const requests = new RecentRequests();
  const observed = new Observations(new FakeClock(), undefined, requests);
  assert.equal(requests.latest.length, 0);
  for (let i = 0; i < MAX_RECENT_REQUESTS + 7; i++) {
    observed.requested(request(`${i}.test:1`));
  }
  const changing = { ...request("last.test:1") };
  observed.requested(changing);
  Object.assign(changing, { bytesUp: 3, server: "one", durationMs: 9 });
  const { latest } = requests;
  assert.equal(latest.length, MAX_RECENT_REQUESTS);
  assert.deepEqual(latest[0], {
    ...{ id: MAX_RECENT_REQUESTS + 7, startedUnixMs: 5, client: "127.0.0.1" },
    ...{ target: "last.test:1", bytesUp: 3, bytesDown: 0 },
    ...{ server: "one", durationMs: 9 },
  });
  assert.deepEqual(
    latest.map(({ id }) => id),
    latest.map((_, i) => MAX_RECENT_REQUESTS + 7 - i),
  );
  assert.equal(latest.at(-1)!.target, "8.test:1");
});

test("requestRows() tells way, rule and end in words that a filter finds", () => {
  const rows = requestRows(
    [
      request("a.test:443", { way: "proxy: final", server: "Home" }),
      request("b.test:443", {
        way: 'direct: routes[1] domain "b.test" (near:4)',
        durationMs: 12,
      }),
      request("c.test:80", { code: "ERR_NET_REFUSED", user: "ann" }),
    ].map(({ user, way, server, durationMs, code, ...rest }, id) => ({
      ...{ id, ...rest },
      ...user && { user },
      ...way && { way },
      ...server && { server },
      ...durationMs && { durationMs },
      ...code && { code },
    })),
  );
  assert.deepEqual(
    rows.map(({ way, why, end }) => [way, why, end]),
    [
      ["Home", "final", "open"],
      ["direct", 'routes[1] domain "b.test" (near:4)', "done in 12 ms"],
      ["server", "–", "Target refused"],
    ],
  );
  assert.equal(rows[2]!.client, "ann, 127.0.0.1");
  assert.ok(rows[2]!.words.includes("target refused"));
  assert.ok(rows[2]!.words.includes("ann"));
});

test("the operator's port tells connections of a local that may tell targets", async () => {
  const requests = new RecentRequests();
  requests.add(request("a.test:1"));
  const told = new AdminWorld({ requests: () => requests.latest });
  const { connections } = await told.json("/api/connections");
  assert.equal(connections[0].target, "a.test:1");
  const silent = new AdminWorld({ requests: () => undefined });
  const answer = await silent.ask("/api/connections");
  assert.equal(answer.status, 404);
  assert.match(await answer.text(), /log_privacy/);
  const server = await new AdminWorld().ask("/api/connections");
  assert.equal(server.status, 404);
  const locked = new AdminWorld({
    token: TOKEN,
    requests: () => requests.latest,
  });
  assert.equal((await locked.ask("/api/connections")).status, 401);
});

test("nothing is remembered where targets are kept out of the log", () => {
  assert.ok(rememberedRequests("full") instanceof RecentRequests);
  assert.equal(rememberedRequests("hashed"), undefined);
  assert.equal(rememberedRequests("none"), undefined);
});
