import assert from "node:assert/strict";
import { test } from "node:test";
import { History } from "../../../src/admin/history.ts";
import { NO_RATE, type Status } from "../../../src/admin/operator.ts";
import { COLUMNS } from "../../../src/admin/user_rows.ts";
import {
  fitText,
  printable,
  widthOf,
} from "../../../src/cli/top/terminal_text.ts";
import {
  curve,
  renderTop,
  SORT_KEYS,
  type TopView,
} from "../../../src/cli/top/top_view.ts";
import { NOTHING, SampleProgram } from "../../support/sample_status.ts";

const VIEW: TopView = {
  width: 100,
  height: 24,
  sort: "rate-down",
  unit: "bit",
  interactive: false,
  trouble: "",
};

/** Select Graphic Rendition. */
// deno-lint-ignore no-control-regex
const COLOURS = /\x1b\[\d+m/g;

function busy(users: number, seconds = 3): History {
  const program = new SampleProgram({ users });
  const history = new History();
  for (let i = 0; i < seconds; i++) {
    program.tick();
    history.push(program.status());
  }
  return history;
}

function once(change: Partial<Status>): History {
  const history = new History();
  history.push({ ...new SampleProgram({ users: 1 }).status(), ...change });
  return history;
}

test("renderTop() shows the numbers of the status", () => {
  const history = busy(3);
  const text = renderTop(history, VIEW).join("\n");
  const { connections, version } = history.status!;
  assert.ok(text.startsWith(`umbra ${version}, server on bun 1.4.5, up 3 d`));
  assert.ok(text.includes(`connections ${connections.open} of 16,384`));
  assert.match(text, /^down +[\d.]+ Mbit\/s$/m);
  assert.match(text, /^alice +connected/m);
  assert.match(text, /2022-blake3-aes-256-gcm: openssl/);
  assert.ok(!text.includes("\x1b"));
});

test("renderTop() tells of datagrams that were lost, and not that none were", () => {
  for (const [lostDatagrams, shown] of [[0, false], [1_234, true]] as const) {
    const text = renderTop(once({ lostDatagrams }), VIEW).join("\n");
    assert.equal(/ lost 1,234 datagrams /.test(text), shown);
    assert.equal(/ lost /.test(text), shown);
  }
});

test("renderTop() sorts users by the column that was asked for", () => {
  const history = busy(12);
  for (const sort of Object.values(SORT_KEYS)) {
    assert.ok(COLUMNS.some(({ id }) => id === sort), sort);
  }
  const { users } = history.status!.servers[0]!;
  const names = (sort: string): string[] =>
    renderTop(history, { ...VIEW, sort, height: Infinity })
      .slice(9).map((line) => line.split(" ")[0]!);
  assert.deepEqual(names("name"), names("name").toSorted());
  const rates = names("rate-down")
    .map((name) => users.find((user) => user.name === name)!.rate.down);
  assert.deepEqual(rates, rates.toSorted((a, b) => b - a));
});

test("renderTop() fits every terminal, when there are many users", () => {
  const history = busy(200);
  for (const [width, height] of [[40, 12], [80, 24], [200, 60]] as const) {
    for (const trouble of ["", "x".repeat(300)]) {
      const lines = renderTop(history, {
        ...VIEW,
        ...{ width, height, trouble, interactive: true },
      });
      assert.ok(lines.length <= height, `${lines.length} lines`);
      for (const line of lines) {
        const visible = widthOf(line.replace(COLOURS, ""));
        assert.ok(visible <= width, `${visible} of ${width}: ${line}`);
      }
      assert.match(lines.at(-1)!, /q quit/);
      assert.ok(lines.some((line) => /and \d+ more/.test(line)));
    }
  }
});

test("renderTop() obeys no name, when it holds escape sequences", () => {
  const [server] = new SampleProgram({ users: 0 }).status().servers;
  const users = ["\x1b[2J\x07evil", "a\nb", "\u202egnp.exe", "c\x9b31m"].map((
    name,
  ) => ({
    name,
    origin: "api" as const,
    disabled: false,
    limits: {},
    usage: NOTHING,
    rate: NO_RATE,
  }));
  const history = once({
    servers: [{ ...server!, users }],
    legacy: [],
    crypto: [{ method: "\x1b]0;x", provider: "y\r" }],
  });
  for (const interactive of [true, false]) {
    const text = renderTop(history, { ...VIEW, interactive }).join("");
    assert.ok(text.includes("\ufffd[2J\ufffdevil"));
    assert.doesNotMatch(text.replace(COLOURS, ""), /[\p{Cc}\p{Cf}]/u);
  }
});

test("renderTop() says in words what there is not", () => {
  const idle = once({
    ready: false,
    servers: [],
    recentRefusals: {},
    dialMs: { count: 0, p50: 0, p90: 0, p99: 0 },
  });
  const text = renderTop(idle, VIEW).join("\n");
  assert.match(text, /, not ready$/m);
  assert.match(text, /nothing refused in the last minute/);
  assert.match(text, /no users with names/);
  assert.match(text, /dial –/);
  assert.deepEqual(renderTop(new History(), VIEW), ["Connecting"]);
});

test("renderTop() tells trouble in the first line", () => {
  const trouble = "Cannot reach the operator's port";
  assert.equal(renderTop(busy(1), { ...VIEW, trouble })[0], trouble);
});

test("curve() fills the height with the largest, and is blank for a hole", () => {
  assert.equal(curve([0, 1, 50, null, 100]), "▁▁▄ █");
  assert.equal(curve([0, 0]), "▁▁");
  assert.equal(curve([]), "");
});

test("fitText() counts columns, not characters", () => {
  assert.equal(widthOf("漢字a\u0301"), 5);
  assert.equal(fitText("漢字漢字", 5), "漢字…");
  assert.equal(fitText("abc", 3), "abc");
  assert.equal(fitText("abcd", 3), "ab…");
  assert.equal(fitText("abcd", 0), "");
  assert.equal(printable("plain ü 漢"), "plain ü 漢");
});
