import assert from "node:assert/strict";
import { test } from "node:test";
import { nodesTable } from "../../../src/cli/fleet/node_actions.ts";
import { viewNodes } from "../../../src/service/fleet/node_state.ts";
import { nodeBeat } from "../../conformance/fleet_suite.ts";

const NOW = 1_800_000_000_000;

test("a table of nodes is aligned, counted, and obeyed by no terminal", () => {
  const base = {
    heardUnixMs: NOW - 1_000,
    isDraining: false,
    keyIds: [],
    isSealed: false,
  };
  const nodes = viewNodes({
    unixMs: NOW,
    nodes: [
      { ...nodeBeat(), ...base, node: "fra1" },
      {
        ...nodeBeat({ version: "\x1b[31mred" }),
        ...{ ...base, isDraining: true, node: "a-longer-name" },
      },
      { ...nodeBeat(), ...base, isSealed: true, node: "x" },
    ],
  });
  const text = nodesTable(nodes, NOW);
  const [head, first, second, third, empty, sums] = text.split("\n");
  const at = head!.indexOf("STATE");
  assert.deepEqual(
    [first, second, third].map((line) => line!.slice(at, at + 3)),
    [
      ...["up ", "dra", "up "],
    ],
  );
  assert.match(
    first!,
    /fra1\.example .*98\.8 kbit\/s +1\.25 ms +\+0\.0 s +now$/,
  );
  assert.match(third!, /sealed with another key/);
  assert(!text.includes("\x1b"));
  assert.deepEqual([empty, sums], ["", "2 up, 1 draining, 0 lost"]);
  assert.match(nodesTable([], NOW), /No server has sent a heartbeat/);
});
