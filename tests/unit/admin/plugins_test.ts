/**
 * Plugins as their operator sees them: metrics, rows, `umbra top`.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../../src/admin/history.ts";
import { renderMetrics } from "../../../src/admin/metrics.ts";
import type { Status } from "../../../src/admin/operator.ts";
import { pluginRows } from "../../../src/admin/plugin_rows.ts";
import { renderTop } from "../../../src/cli/top/top_view.ts";
import { SampleProgram } from "../../support/sample_status.ts";

function status(): Status {
  const base = new SampleProgram({ users: 0 }).status();
  const { nowUnixMs } = base;
  return {
    ...base,
    plugins: [
      {
        name: "obfs-server",
        server: "0.0.0.0:443",
        state: "ready",
        sinceUnixMs: nowUnixMs - 90_000,
        restarts: 0,
      },
      {
        name: "v2ray-plugin",
        server: "far",
        state: "waiting",
        sinceUnixMs: nowUnixMs - 1_000,
        nextStartUnixMs: nowUnixMs + 12_000,
        restarts: 7,
        lastEnd: "ended with code 1",
        lastWords: "no such\u0007 host",
      },
    ],
  };
}

test("pluginRows() says how each is doing", () => {
  assert.deepEqual(pluginRows(status()), [
    {
      name: "obfs-server",
      server: "0.0.0.0:443",
      state: "runs for 1 min 30 s",
      tone: "good",
      restarts: "0",
      lastEnd: "",
    },
    {
      name: "v2ray-plugin",
      server: "far",
      state: "ended, next start in 12 s",
      tone: "bad",
      restarts: "7",
      lastEnd: "ended with code 1: no such\u0007 host",
    },
  ]);
});

test("metrics have plugins, and none where there are none", async () => {
  const text = await renderMetrics(status());
  assert.match(
    text,
    /^umbra_plugin_up\{plugin="obfs-server",server="0\.0\.0\.0:443"\} 1$/m,
  );
  assert.match(
    text,
    /^umbra_plugin_up\{plugin="v2ray-plugin",server="far"\} 0$/m,
  );
  assert.match(
    text,
    /^umbra_plugin_restarts_total\{plugin="v2ray-plugin",server="far"\} 7$/m,
  );
  const { plugins: _, ...none } = status();
  assert.doesNotMatch(await renderMetrics(none), /umbra_plugin/);
});

test("umbra top has a line for each plugin, without what moves the cursor", () => {
  const history = new History();
  history.push(status());
  const lines = renderTop(history, {
    width: 120,
    height: 24,
    sort: "rate-down",
    unit: "bit",
    interactive: false,
    trouble: "",
  });
  const text = lines.join("\n");
  assert.match(text, /^plugin obfs-server of 0\.0\.0\.0:443 {2}runs for/m);
  assert.match(
    text,
    /^plugin v2ray-plugin of far {2}ended, next start in 12 s {2}restarts 7 {2}last end: ended with code 1: no such. host$/m,
  );
  assert.equal(text.includes("\u0007"), false);
});
