/**
 * Prometheus itself reads our metrics, our alerts, and every expression of the
 * dashboard.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  METRICS_CONTENT_TYPE,
  renderMetrics,
} from "../../src/admin/metrics.ts";
import { busyStatus } from "../support/busy_status.ts";
import { FakeOperator } from "../support/fake_operator.ts";
import { freePort, Program } from "../support/process.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { until } from "../support/within.ts";

const skip =
  ["prometheus", "promtool"].some((program) =>
    spawnSync(program, ["--version"], { timeout: 10_000 }).error
  ) && "prometheus, promtool not found: apt-get install -y prometheus";
if (skip) announceSkip(skip);

test("promtool check metrics accepts what we tell", { skip }, async () => {
  for (const status of [busyStatus(), new FakeOperator().status()]) {
    promtool(["check", "metrics"], await renderMetrics(status));
  }
});

test(
  "promtool accepts the alerts, and each fires when it should",
  { skip },
  () => {
    promtool(["check", "rules", join("docs", "ops", "alerts.yml")]);
    promtool(["test", "rules", join("tests", "e2e", "alerts.yml")]);
  },
);

test(
  "Prometheus scrapes us, and can evaluate the dashboard",
  { skip },
  async () => {
    await using metrics = await serveMetrics();
    const folder = mkdtempSync(join(tmpdir(), "umbra-prometheus-"));
    try {
      const port = await freePort();
      await using prometheus = await Program.start([
        "prometheus",
        `--config.file=${configuration(folder, metrics.port)}`,
        `--storage.tsdb.path=${join(folder, "data")}`,
        `--web.listen-address=127.0.0.1:${port}`,
      ], { ready: /Server is ready to receive web requests/ });
      const query = (expression: string): Promise<Vector> =>
        ask(`http://127.0.0.1:${port}/api/v1/query`, expression);
      // Two scrapes, so that rates have something to go by.
      await until(
        10_000,
        `two scrapes by ${prometheus.describe()}`,
        async () =>
          Number(
            (await query("count_over_time(umbra_ready[1m])"))[0]?.value[1],
          ) >
            1,
      );
      const [up] = await query('up{job="umbra"}');
      assert.equal(up!.value[1], "1");
      const bytes = await query('umbra_bytes_total{direction="down"}');
      assert.deepEqual(
        bytes.map(({ metric, value }) => [metric["user"], value[1]]).sort(),
        [[undefined, "0"], ["alice", "100"], ["bob", "200"]],
      );
      for (const expression of dashboard()) await query(expression);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
);

/** What an instant query yields. */
type Vector = readonly {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [seconds: number, text: string];
}[];

/** @throws When Prometheus does not understand it. */
async function ask(api: string, expression: string): Promise<Vector> {
  const url = new URL(api);
  url.searchParams.set("query", expression);
  const { status, data, error } = await (await fetch(url)).json();
  assert.equal(status, "success", `${expression}: ${error}`);
  return data.result;
}

/** Every expression of the dashboard, as Grafana would send it. */
function dashboard(): string[] {
  const text = readFileSync(join(ROOT, "docs", "ops", "grafana.json"), "utf8");
  const { panels } = JSON.parse(text) as {
    panels: { targets: { expr: string }[] }[];
  };
  return panels.flatMap(({ targets }) =>
    targets.map(({ expr }) =>
      expr.replaceAll(/\$(job|instance)\b/g, ".*")
        .replaceAll("$__rate_interval", "1m")
    )
  );
}

/** Writes ours with a target of the test's own. */
function configuration(folder: string, port: number): string {
  const example = join(ROOT, "docs", "ops", "prometheus.yml");
  const file = join(folder, "prometheus.yml");
  const text = readFileSync(example, "utf8")
    .replace(
      "/etc/prometheus/umbra-alerts.yml",
      () => join(ROOT, "docs", "ops", "alerts.yml"),
    )
    .replaceAll("127.0.0.1:9388", `127.0.0.1:${port}`)
    .replace("scrape_interval: 15s", "scrape_interval: 500ms");
  assert.ok(text.includes(`:${port}`) && text.includes("500ms"));
  writeFileSync(file, text);
  return file;
}

async function serveMetrics(): Promise<AsyncDisposable & { port: number }> {
  const text = await renderMetrics(busyStatus());
  const server = createServer((_request, response) => {
    response.setHeader("content-type", METRICS_CONTENT_TYPE);
    response.end(text);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    [Symbol.asyncDispose]: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** @throws With its complaints, unless it has none. */
function promtool(args: readonly string[], input = ""): void {
  const { status, stdout, stderr } = spawnSync("promtool", args, {
    cwd: ROOT,
    input,
    encoding: "utf8",
    timeout: 20_000,
  });
  assert.equal(`${stderr}${status}`, "0", stdout);
}
