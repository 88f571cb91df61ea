/**
 * The servers of a local as its operator sees and switches them: API, metrics
 * and rows.
 *
 * @module
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { createAdminHandler } from "../../../src/admin/admin_handler.ts";
import { renderMetrics } from "../../../src/admin/metrics.ts";
import type { Operator, UpstreamStatus } from "../../../src/admin/operator.ts";
import { upstreamRows } from "../../../src/admin/upstream_rows.ts";
import { renderTop } from "../../../src/cli/top/top_view.ts";
import { History } from "../../../src/admin/history.ts";
import { settle } from "../../support/fake_clock.ts";
import { FakeOperator } from "../../support/fake_operator.ts";
import { FIRST, TwoServers } from "../../support/two_servers.ts";

/** A local of the memory world, with an operator's port. */
class Local {
  readonly two: TwoServers;
  readonly #ask: ReturnType<typeof createAdminHandler>;
  readonly operator:
    & FakeOperator
    & Pick<Operator, "addUpstream" | "removeUpstream">
    & { upstreams?: TwoServers["group"] };

  constructor(two: TwoServers) {
    this.two = two;
    this.operator = new FakeOperator();
    this.operator.upstreams = two.group;
    const { transport: _, ...world } = two.world.dependencies;
    this.#ask = createAdminHandler({
      operator: this.operator,
      host: "127.0.0.1",
      names: undefined,
      token: undefined,
      clock: world.clock!,
      logger: world.logger!,
    });
  }

  get status(): readonly UpstreamStatus[] {
    return this.two.group.status;
  }

  async ask(
    method: string,
    path: string,
    body?: unknown,
  ): Promise<
    { readonly code: number; readonly json: Record<string, unknown> }
  > {
    this.operator.patch = { role: "local", upstreams: this.status };
    const response = await this.#ask(
      new Request(`http://127.0.0.1:1${path}`, {
        method,
        headers: { "content-type": "application/json", host: "127.0.0.1:1" },
        ...body !== undefined && { body: JSON.stringify(body) },
      }),
      { host: "127.0.0.1", port: 4_000 },
    );
    const text = await response.text();
    return { code: response.status, json: text && JSON.parse(text) };
  }
}

describe("the API of a local's servers", () => {
  test("lists, pins, switches and probes them", async () => {
    const two = await TwoServers.start();
    const local = new Local(two);
    const { json } = await local.ask("GET", "/api/upstreams");
    assert.deepEqual(
      (json.upstreams as UpstreamStatus[]).map(({ name }) => name),
      ["first", "second"],
    );
    const pin = "/api/upstreams/pin";
    assert.equal((await local.ask("PUT", pin, { name: "second" })).code, 200);
    assert.equal(local.status[1]!.pinned, true);
    assert.equal(await two.ask(), true);
    assert.deepEqual(two.dialled, ["second"]);
    assert.equal((await local.ask("DELETE", pin)).code, 204);
    assert.equal(local.status[1]!.pinned, false);
    const change = { disabled: true, udpWeight: 0.5 };
    assert.equal(
      (await local.ask("PATCH", "/api/upstreams/first", change)).code,
      200,
    );
    assert.equal(local.status[0]!.disabled, true);
    assert.equal(local.status[0]!.udpWeight, 0.5);
    const probed = await local.ask("POST", "/api/upstreams/first/probe");
    assert.equal(probed.json.answered, true);
    await two.stop();
  });

  test("refuses what is wrong, and to leave no server", async () => {
    const two = await TwoServers.start();
    const local = new Local(two);
    const path = "/api/upstreams/first";
    for (
      const [method, to, body, code] of [
        ["PUT", "/api/upstreams/pin", { name: "third" }, 404],
        ["PUT", "/api/upstreams/pin", {}, 400],
        ["PATCH", "/api/upstreams/third", { disabled: true }, 404],
        ["PATCH", path, { disabled: 1 }, 400],
        ["PATCH", path, { tcpWeight: 1.5 }, 400],
        ["PATCH", path, { weight: 1 }, 400],
        ["POST", "/api/upstreams/third/probe", undefined, 404],
      ] as const
    ) {
      const answer = await local.ask(method, to, body);
      assert.equal(answer.code, code, `${method} ${to}`);
    }
    await local.ask("PATCH", path, { disabled: true });
    const last = await local.ask("PATCH", "/api/upstreams/second", {
      tcpWeight: 0,
    });
    assert.equal(last.code, 400);
    assert.match(String(last.json.error), /no server is left/);
    assert.equal(local.status[1]!.tcpWeight, 1);
    await two.stop();
  });

  test("adds one by its link, and takes it away again", async () => {
    const two = await TwoServers.start();
    const local = new Local(two);
    const calls: string[] = [];
    local.operator.addUpstream = (link) => {
      calls.push(link);
      return Promise.resolve("second");
    };
    local.operator.removeUpstream = (name) => {
      calls.push(`-${name}`);
      return Promise.resolve();
    };
    const added = await local.ask("POST", "/api/upstreams", { link: "ss://x" });
    assert.equal(added.code, 201);
    assert.equal(added.json.name, "second");
    const path = "/api/upstreams/second";
    assert.equal((await local.ask("DELETE", path)).code, 204);
    assert.deepEqual(calls, ["ss://x", "-second"]);
    for (const body of [{}, { link: "" }, { link: 1 }, { url: "ss://x" }]) {
      assert.equal((await local.ask("POST", "/api/upstreams", body)).code, 400);
    }
    delete local.operator.addUpstream;
    assert.equal(
      (await local.ask("POST", "/api/upstreams", { link: "ss://x" })).code,
      404,
    );
    await two.stop();
  });

  test("is a 404 where the program sends through none", async () => {
    const two = await TwoServers.start();
    const local = new Local(two);
    delete local.operator.upstreams;
    assert.equal(
      (await local.ask("DELETE", "/api/upstreams/pin")).code,
      404,
    );
    await two.stop();
  });
});

test("metrics count changes of the server, and probes", async () => {
  const two = await TwoServers.start();
  await two.ask();
  await two.kill(FIRST);
  await two.ask();
  await two.group.probe("first");
  await two.group.probe("second");
  const operator = new FakeOperator();
  operator.patch = { role: "local", upstreams: two.group.status };
  const lines = (await renderMetrics(operator.status())).split("\n");
  for (
    const line of [
      'umbra_upstream_switches_total{server="second",reason="down"} 1',
      'umbra_upstream_probes_total{server="first",result="ERR_NET_REFUSED"} 1',
      'umbra_upstream_probes_total{server="second",result="ok"} 1',
    ]
  ) {
    assert.ok(lines.includes(line), line);
  }
  await two.stop();
});

test("metrics, rows and umbra top tell of a server that is down", async () => {
  const two = await TwoServers.start();
  await two.kill(FIRST);
  await two.ask();
  await settle();
  const upstreams = two.group.status;
  const operator = new FakeOperator();
  operator.patch = { role: "local", upstreams };
  const lines = (await renderMetrics(operator.status())).split("\n");
  for (
    const line of [
      'umbra_upstream_up{server="first",transport="tcp"} 0',
      'umbra_upstream_up{server="second",transport="tcp"} 1',
      'umbra_upstream_selected{server="second",transport="tcp"} 1',
      'umbra_upstream_connections_total{server="first",result="ERR_NET_REFUSED"} 1',
      'umbra_upstream_connections_total{server="second",result="ok"} 1',
      'umbra_upstream_bytes_total{server="second",direction="up"} 4',
      'umbra_upstream_connect_seconds_count{server="second"} 1',
    ]
  ) {
    assert.ok(lines.includes(line), line);
  }
  const nowUnixMs = two.world.clock.unixMs();
  const [first, second] = upstreamRows(upstreams, nowUnixMs);
  assert.match(first!.tcp, /^down, next try in \d s$/);
  assert.equal(first!.failure, "Refused");
  assert.equal(second!.role, "in use");
  assert.equal(second!.share, "100 %");
  const history = new History();
  history.push({ ...operator.status(), nowUnixMs });
  const top = renderTop(history, {
    width: 120,
    height: 40,
    sort: "rate-down",
    unit: "bit",
    interactive: false,
    trouble: "",
  }).join("\n");
  assert.match(top, /^first +TCP down, next try in \d s +UDP up/m);
  assert.match(top, /^second +in use +TCP up/m);
  await two.stop();
});
