/**
 * The files in `docs/ops` speak of nothing that the program does not tell.
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
  renderFleetTotals,
  renderMetrics,
} from "../../../src/admin/metrics.ts";
import type { FleetTotals } from "../../../src/service/fleet/fleet_totals.ts";
import { busyStatus } from "../../support/busy_status.ts";
import { ROOT } from "../../support/runtimes.ts";

const OPS = join("docs", "ops");

describe("docs/ops", () => {
  for (const file of ["alerts.yml", "grafana.json"]) {
    test(`${file} uses metrics, labels and codes that there are`, async () => {
      const text = read(join(OPS, file));
      const known = await exposed();
      const used = namesIn(text);
      assert.ok(used.length > 8, used.join(" "));
      for (const name of used) assert.ok(known.has(name), name);
      const codes = read(join("src", "errors.ts"));
      for (const [code] of text.matchAll(/\bERR(_[A-Z0-9]+)+\b/g)) {
        assert.ok(codes.includes(`"${code}"`), code);
      }
    });
  }

  test("README.md lists every metric, and no other", async () => {
    const listed = namesIn(
      read(join(OPS, "README.md")).split("\n")
        .filter((line) => line.startsWith("| `")).join("\n"),
    );
    const text = await renderMetrics(busyStatus()) +
      await renderFleetTotals(FLEET_TOTALS);
    const told = [...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name!);
    assert.deepEqual(listed.sort(), told.sort());
  });

  test("grafana.json has panels that do not overlap, each with an expression", () => {
    const { panels } = JSON.parse(read(join(OPS, "grafana.json"))) as {
      panels: Panel[];
    };
    const taken = new Set<string>();
    for (const { title, gridPos: { x, y, w, h }, targets } of panels) {
      assert.ok(targets.length > 0 && x + w <= 24, title);
      for (let column = x; column < x + w; column++) {
        for (let row = y; row < y + h; row++) {
          const cell = `${column},${row}`;
          assert.ok(!taken.has(cell), `${title} at ${cell}`);
          taken.add(cell);
        }
      }
    }
  });
});

const FLEET_TOTALS: FleetTotals = {
  nodes: { up: 3, draining: 0, lost: 1 },
  users: { active: 1, disabled: 0, expired: 0, spent: 0 },
  top: [{ service: "8388", name: "alice", part: 0.5 }],
};

interface Panel {
  readonly title: string;
  readonly gridPos: Record<"x" | "y" | "w" | "h", number>;
  readonly targets: readonly { readonly expr: string }[];
}

/** Names of series, those of histograms included. */
async function exposed(): Promise<Set<string>> {
  const text = await renderMetrics(busyStatus()) +
    await renderFleetTotals(FLEET_TOTALS);
  return new Set([...text.matchAll(/^(\w+)[ {]/gm)].map(([, name]) => name!));
}

function namesIn(text: string): string[] {
  const found = text.matchAll(/\b(?:umbra|process)_[a-z_]+\b/g);
  return [...new Set([...found].map(([name]) => name))];
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}
