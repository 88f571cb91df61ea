import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { dashboardPage } from "../../../src/admin/dashboard_page.ts";
import { explain } from "../../../src/admin/refusals.ts";
import { generatePage, PAGE_MODULE } from "../../support/dashboard_page.ts";
import { ROOT } from "../../support/runtimes.ts";

const { html, csp } = dashboardPage;

/** Codes of `ConfigError` that are named after what is configured. */
const OF_CONFIGURATION = [
  "ERR_SS_METHOD_UNSUPPORTED",
  "ERR_SS_KEY_LENGTH",
  "ERR_SS_URI_INVALID",
];

/** WCAG 2.2, 1.4.3: of normal text. */
const MIN_CONTRAST = 4.5;

test("dashboard_page.ts is what its sources make, when they are joined now", () => {
  assert.ok(
    readFileSync(PAGE_MODULE, "utf8") === generatePage(),
    "stale: run `deno task page`",
  );
});

test("the page names no other host", () => {
  const urls = [...html.matchAll(/\bhttps?:\/\/[^\s"'`)]+/g)].map(String);
  assert.deepEqual(urls, ["http://www.w3.org/2000/svg"]);
  assert.doesNotMatch(html, /@import|\bsrc="|url\(/);
});

test("the page's policy allows its own script and style, and no others", () => {
  for (const tag of ["script", "style"]) {
    const texts = [
      ...html.matchAll(new RegExp(`<${tag}>(.*?)</${tag}>`, "gs")),
    ];
    assert.equal(texts.length, 1);
    const hash = createHash("sha256").update(texts[0]![1]!).digest("base64");
    assert.ok(csp.includes(`${tag}-src 'sha256-${hash}';`));
  }
  assert.match(csp, /^default-src 'none';/);
  assert.doesNotMatch(csp, /unsafe|\*|http:/);
  // None of these would run under it.
  assert.doesNotMatch(html.split("<script>")[0]!, /\son\w+=|\sstyle=/);
  assert.doesNotMatch(html, /\beval\(|new Function\(/);
});

test("the page's colours are told apart from their ground, in both themes", () => {
  const css = readFileSync(
    join(ROOT, "src", "admin", "dashboard", "style.css"),
    "utf8",
  );
  const colours = new Map(
    [...css.matchAll(/--([\w-]+): light-dark\((#\w{6}), (#\w{6})\)/g)]
      .map(([, name, light, dark]) => [name!, [light!, dark!]] as const),
  );
  const inks = ["ink", "quiet", "down", "up", "good", "warn", "bad", "accent"];
  const pairs = [
    ...inks.flatMap((ink) =>
      ["ground", "panel", "raised"].map((ground) => [ink, ground])
    ),
    ["on-accent", "accent"],
    ["on-accent", "bad"],
  ];
  for (const [ink, ground] of pairs) {
    for (const theme of [0, 1]) {
      const ratio = contrast(
        colours.get(ink!)![theme]!,
        colours.get(ground!)![theme]!,
      );
      assert.ok(
        ratio >= MIN_CONTRAST,
        `${ink} on ${ground}, theme ${theme}: ${ratio.toFixed(2)}`,
      );
    }
  }
});

test("explain() has words for every code that can be refused", () => {
  const errors = readFileSync(join(ROOT, "src", "errors.ts"), "utf8");
  const codes = [...errors.matchAll(/^ {2}\| "(ERR_\w+)";?$/gm)]
    .map(([, code]) => code!)
    // These end a command or a request, and no connection.
    .filter((code) =>
      !/^ERR_(CONFIG|CRYPTO|STORE|ONLINE)_|^ERR_(ROUTE_LIST|PANEL)$/.test(code)
    )
    .filter((code) => !OF_CONFIGURATION.includes(code));
  assert.ok(codes.length > 50);
  assert.deepEqual(codes.filter((code) => explain(code).title === code), []);
  assert.equal(explain("ERR_OF_TOMORROW").title, "ERR_OF_TOMORROW");
  assert.equal(explain("constructor").title, "constructor");
});

/** WCAG 2.2, "contrast ratio". */
function contrast(a: string, b: string): number {
  const [bright, dark] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (bright! + 0.05) / (dark! + 0.05);
}

/** WCAG 2.2, "relative luminance". */
function luminance(colour: string): number {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}
