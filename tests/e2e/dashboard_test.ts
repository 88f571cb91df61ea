/**
 * Tests the dashboard in a real browser that can reach only the page's own
 * port.
 *
 * @module
 */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { dashboardPage } from "../../src/admin/dashboard_page.ts";
import type { FleetView } from "../../src/admin/fleet_api.ts";
import { formatBytes, formatCount } from "../../src/admin/units.ts";
import { Chromium, CHROMIUMS } from "../support/chromium.ts";
import { DashboardSite, type SiteOptions } from "../support/dashboard_site.ts";
import { announceSkip } from "../support/report.ts";
import { NO_RATE } from "../../src/admin/operator.ts";
import { qrMatrix } from "../../src/admin/qr.ts";
import { LANGUAGES } from "../../src/admin/texts/languages.ts";
import { SampleLocal } from "../support/sample_local.ts";
import {
  NOTHING,
  SAMPLE_STARTED_UNIX_MS,
  SampleProgram,
} from "../support/sample_status.ts";
import { missingPrograms } from "./clients.ts";

const skip = missingPrograms(CHROMIUMS, "chromium");
if (skip) announceSkip(`the dashboard in a browser: ${skip}`);

let browser: Chromium;
before(async () => {
  if (!skip) browser = await Chromium.start();
});
after(() => browser?.[Symbol.asyncDispose]());

/** Opens the page of a sample program and waits until it is drawn. */
async function open(options: Partial<SiteOptions> = {}): Promise<
  DashboardSite
> {
  const site = await DashboardSite.start({
    program: new SampleProgram({ users: 12 }),
    ...options,
  });
  await browser.show({ width: 1_280, height: 900 });
  await browser.open("about:blank");
  browser.errors.length = 0;
  browser.requests.length = 0;
  await browser.open(site.url);
  return site;
}

/** Returns the text of an element. */
function textOf(selector: string): Promise<string> {
  return browser.evaluate(
    `document.querySelector(${JSON.stringify(selector)}).textContent.trim()`,
  );
}

/** Waits until an element shows a text. */
function untilText(selector: string, text: string): Promise<void> {
  return browser.until(
    `document.querySelector(${JSON.stringify(selector)}).textContent` +
      `.includes(${JSON.stringify(text)})`,
  );
}

function click(selector: string): Promise<unknown> {
  return browser.evaluate(
    `document.querySelector(${JSON.stringify(selector)}).click()`,
  );
}

function fill(selector: string, value: string): Promise<unknown> {
  return browser.evaluate(
    `document.querySelector(${JSON.stringify(selector)}).value = ` +
      JSON.stringify(value),
  );
}

/** Waits until nothing reaches beyond a width; a failure names what does. */
async function noWiderThan(width: number): Promise<void> {
  const beyond = "[document.documentElement, " +
    "...document.querySelectorAll('main *, dialog[open] *')].filter((one) => " +
    "!one.closest('.servers, svg') && (one.getBoundingClientRect().right > " +
    `${width} || one === document.documentElement && ` +
    `one.scrollWidth > ${width}))`;
  const named = `${beyond}.map((one) => one.cloneNode().outerHTML)`;
  // Chromium draws the page for a new size a moment after it was asked to.
  await browser.until(`!${beyond}.length`, 5_000).catch(() => {});
  assert.deepEqual(await browser.evaluate<string[]>(named), []);
}

/** Opens the dialog of a user. */
function openUser(name: string): Promise<unknown> {
  return browser.evaluate(
    `[...document.querySelectorAll("#users tbody button")]` +
      `.find((one) => one.textContent === ${JSON.stringify(name)}).click()`,
  );
}

test("the page shows what the status says, and contacts no other host", {
  skip,
}, async () => {
  const program = new SampleProgram({ users: 12 });
  await using site = await open({ program });
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  // From here on the numbers do not change.
  program.tick = () => {};
  const { traffic, servers, refusals, associations, dialMs } = program.status();
  await untilText("#total-down", formatBytes(traffic.bytesDown));
  assert.equal(
    await textOf("#total-up"),
    `${formatBytes(traffic.bytesUp)} in total`,
  );
  assert.equal(await textOf("#now-associations"), String(associations.open));
  assert.equal(await textOf("#state"), "Ready");
  assert.match(await textOf("#dial-more"), new RegExp(`99 % ${dialMs.p99} ms`));
  const rows = await browser.evaluate<string[][]>(
    `[...document.querySelectorAll("#users tbody tr")]` +
      `.map((row) => [...row.cells].map((cell) => cell.textContent))`,
  );
  const { users } = servers[0]!;
  assert.equal(rows.length, users.length);
  for (const { name, usage } of users) {
    const row = rows.find(([first]) => first === name)!;
    assert.deepEqual(
      [row[5], row[6], row[8]],
      [
        formatBytes(usage.bytesDown),
        formatBytes(usage.bytesUp),
        formatCount(usage.open),
      ],
      name,
    );
  }
  const counts = await browser.evaluate<string[]>(
    `[...document.querySelectorAll("#refusals .number")]` +
      `.map(({ textContent }) => textContent)`,
  );
  assert.deepEqual(
    counts,
    Object.values(refusals).sort((a, b) => b - a).map(formatCount),
  );
  assert.deepEqual(browser.errors, []);
  assert.ok(browser.requests.length > 1);
  for (const url of browser.requests) assert.ok(url.startsWith(site.url), url);
});

test("the page shows names as text, when they look like HTML", {
  skip,
}, async () => {
  const evil =
    `<img src=x onerror="window.hit = 1"><script>window.hit=2</script>`;
  const program = new SampleProgram({ users: 1 });
  program.put(evil, {
    name: evil,
    origin: "api",
    disabled: false,
    limits: {},
    rate: NO_RATE,
    usage: { ...NOTHING, open: 1, hosts: [evil] },
  });
  const status = program.status.bind(program);
  program.status = () => {
    const now = status();
    return {
      ...now,
      runtime: evil,
      legacy: [evil],
      crypto: [{ method: evil, provider: evil }],
      refusals: { [evil]: 3 },
      servers: now.servers.map((one) => ({
        ...one,
        ...{ address: evil, method: evil, mode: evil },
      })),
    };
  };
  const report = { changes: [evil], warnings: [evil] };
  await using _site = await open({ program, report, qr: () => evil });
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  await openUser(evil);
  assert.equal(await textOf("#user h2"), evil);
  await click(".reveal");
  await browser.until("!document.querySelector('.revealed').hidden");
  await browser.press("Escape");
  await click("#reload");
  await untilText("#confirm .changes", evil);
  assert.equal(
    await browser.evaluate("document.querySelectorAll('[src=x]').length"),
    0,
  );
  assert.equal(await browser.evaluate("typeof window.hit"), "undefined");
  assert.deepEqual(browser.errors, []);
});

test("the page says what does not protect, as long as it is served", {
  skip,
}, async () => {
  const program = new SampleProgram({ users: 1 });
  const status = program.status.bind(program);
  let legacy = ["aes-256-cfb", "lightsocks"];
  program.status = () => ({ ...status(), legacy });
  await using _site = await open({ program });
  await browser.until("!document.querySelector('#legacy').hidden");
  assert.match(
    await textOf("#legacy"),
    /^Legacy methods allowed by --allow-legacy: aes-256-cfb, lightsocks\./,
  );
  legacy = [];
  await browser.until("document.querySelector('#legacy').hidden");
  assert.deepEqual(browser.errors, []);
});

test("the page's policy stops what is not of the page", { skip }, async () => {
  const { html, csp } = dashboardPage;
  const foreign = `<script>window.hit = 1</script>` +
    `<img src="data:," onerror="window.hit = 2">` +
    `<style>body { color: rgb(1, 2, 3) !important }</style>`;
  const page = { csp, html: html.replace("</body>", `${foreign}</body>`) };
  await using _site = await open({ page });
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  const elsewhere = await browser.evaluate(
    `fetch("http://127.0.0.1:9/").catch(({ message }) => message)`,
  );
  const code = await browser.evaluate(
    `(() => { try { document.body.innerHTML = "<b>"; } catch (e) { return e.name } })()`,
  );
  assert.equal(elsewhere, "Failed to fetch");
  assert.equal(code, "TypeError");
  assert.equal(await browser.evaluate("typeof window.hit"), "undefined");
  assert.notEqual(
    await browser.evaluate("getComputedStyle(document.body).color"),
    "rgb(1, 2, 3)",
  );
  const refused = browser.errors.filter((text) =>
    /Content Security Policy|Trusted/.test(text)
  );
  assert.ok(refused.length >= 4, browser.errors.join("\n"));
});

test("the page adds a user and shows how to connect, by keyboard", {
  skip,
}, async () => {
  await using site = await open();
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  await browser.press("n");
  await browser.until("document.querySelector('#add-user').open");
  await fill("#add-user [name=name]", "zoë/9");
  await fill("#add-user [name=quota]", "1.5");
  await fill("#add-user [name=speed]", "8");
  await fill("#add-user [name=hosts]", "2");
  await browser.press("Enter");
  await browser.until("document.querySelector('#user .qr').naturalWidth > 0");
  assert.deepEqual(site.changes, [
    "POST /api/servers/8388/users " + JSON.stringify({
      name: "zoë/9",
      limits: {
        quotaBytes: 1.5 * 2 ** 30,
        bytesPerSecond: 1_000_000,
        maxHosts: 2,
      },
    }),
  ]);
  assert.match(
    await browser.evaluate("document.querySelector('[name=uri]').value"),
    /^ss:\/\/.*#zo%C3%AB%2F9$/,
  );
  assert.match(
    await browser.evaluate("document.querySelector('[name=invite]').value"),
    /\/invite\//,
  );
  assert.deepEqual(browser.errors, []);
  await browser.press("Escape");
  await browser.until("!document.querySelector('#user').open");
  // No secret stays in the page. The event for the end of a dialog comes a
  // moment later.
  await browser.until(
    "document.querySelector('[name=uri]').value === '' && " +
      "document.querySelector('[name=invite]').value === ''",
  );
});

test("the page tells why a user cannot be added", { skip }, async () => {
  await using site = await open();
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  await click("#add");
  await fill("#add-user [name=name]", "alice");
  await click("#add-user button.primary");
  await untilText("#add-user .error", "User alice already exists");
  assert.equal(site.changes.length, 1);
  assert.ok(await browser.evaluate("document.querySelector('#add-user').open"));
});

test("the page changes, disables and removes a user, after a question", {
  skip,
}, async () => {
  const program = new SampleProgram({ users: 12 });
  const end = program.status().nowUnixMs + 123_456_789;
  const { users } = program.status().servers[0]!;
  program.put("lena", {
    ...users.find(({ name }) => name === "lena")!,
    limits: { quotaBytes: 123_456_789, bytesPerSecond: 7, expiresUnixMs: end },
  });
  await using site = await open({ program });
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  await openUser("lena");
  await fill("#user [name=connections]", "9");
  await click("#user .save");
  await browser.until("!document.querySelector('#user').open");
  const path = "/api/servers/8388/users/lena";
  assert.deepEqual(site.changes.splice(0), [
    `PATCH ${path} ` + JSON.stringify({
      limits: {
        // The field was not changed, so its value is not rounded.
        quotaBytes: 123_456_789,
        bytesPerSecond: 7,
        maxConnections: 9,
        expiresUnixMs: end,
      },
    }),
  ]);
  await openUser("lena");
  await click("#user .toggle");
  await browser.until("!document.querySelector('#user').open");
  assert.deepEqual(site.changes.splice(0), [`PATCH ${path} {"disabled":true}`]);
  await browser.until(
    "[...document.querySelectorAll('.tag')]" +
      ".some(({ textContent }) => textContent === 'disabled')",
  );
  await openUser("lena");
  await click("#user .remove");
  await untilText("#confirm h2", "Remove user lena?");
  assert.deepEqual(site.changes, []);
  await click("#confirm button.primary");
  await browser.until("!document.querySelector('dialog[open]')");
  assert.deepEqual(site.changes, [`DELETE ${path}`]);
  await browser.until(
    "!document.body.textContent.includes('lena2') && " +
      "![...document.querySelectorAll('#users tbody button')]" +
      ".some(({ textContent }) => textContent === 'lena')",
  );
  assert.deepEqual(browser.errors, []);
});

test("the page changes users of the configuration file, and says what holds", {
  skip,
}, async () => {
  await using site = await open();
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  // A click anywhere in the row has the same effect.
  await browser.evaluate(
    `[...document.querySelectorAll("#users tbody tr")]` +
      `.find((row) => row.cells[0].textContent === "alice").cells[3].click()`,
  );
  assert.match(
    await textOf("#user .note"),
    /From the configuration file\. Changes made here override the file/,
  );
  await fill("#user [name=hosts]", "4");
  await click("#user .save");
  await untilText("#toast", "User alice changed");
  assert.match(site.changes.join(), /PATCH .*alice \{"limits":.*"maxHosts":4/);
});

test("the page shows the last day by the minute, with what was refused", {
  skip,
}, async () => {
  await using _site = await open();
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  await click("[name=window][value='1440']");
  await untilText("#at-refused", "connections; no refusals");
  assert.deepEqual(browser.errors, []);
});

test("the page reloads the configuration, after it showed the difference", {
  skip,
}, async () => {
  const others = Array.from(
    { length: 12 },
    (_, i) => `ss-server :1: user u${i} has another password`,
  );
  const report = {
    changes: ["user dora is added", ...others],
    warnings: ["an odd key"],
  };
  await using site = await open({ report });
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  await browser.press("r");
  await untilText("#confirm .changes", "user dora is added");
  assert.deepEqual(
    await browser.evaluate(
      "[...document.querySelectorAll('#confirm .changes li')]" +
        ".map((line) => line.textContent)",
    ),
    [
      "Warning: an odd key",
      "user dora is added",
      "ss-server :1: all 12 users have another password: all connections will be closed",
    ],
  );
  assert.deepEqual(site.changes.splice(0), ["POST /api/reload?dryRun=true"]);
  await click("#confirm button.primary");
  await untilText("#toast", "applied");
  assert.deepEqual(site.changes, ["POST /api/reload?dryRun=false"]);
});

test("the page asks for the token, until it is right", { skip }, async () => {
  await using _site = await open({ token: "a token of sixteen" });
  await browser.until("document.querySelector('#login').open");
  await browser.press("Escape");
  assert.ok(await browser.evaluate("document.querySelector('#login').open"));
  // Before the first status, the page shows no values.
  assert.equal(
    await browser.evaluate(
      "document.querySelector('#refusals-empty').checkVisibility()",
    ),
    false,
  );
  await fill("#login [name=token]", "wrong");
  await click("#login button.primary");
  await untilText("#login .error", "Wrong token");
  await fill("#login [name=token]", "a token of sixteen");
  await click("#login button.primary");
  await untilText("#state", "Ready");
  assert.equal(
    await browser.evaluate("document.querySelector('#login').open"),
    false,
  );
  assert.equal(
    await browser.evaluate("JSON.stringify(localStorage).includes('sixteen')"),
    false,
  );
});

test("the page says that the server is lost, and when it is back", {
  skip,
}, async () => {
  await using site = await open();
  await untilText("#state", "Ready");
  site.silent = true;
  await untilText("#lost", "No answer from the program");
  assert.equal(await textOf("#state"), "Lost");
  site.silent = false;
  await untilText("#state", "Ready");
  assert.ok(await browser.evaluate("document.querySelector('#lost').hidden"));
});

test("the page finds one of a thousand users", { skip }, async () => {
  await using _site = await open({
    program: new SampleProgram({ users: 1_000 }),
  });
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  assert.equal(await textOf("#users-more"), "Show 900 more");
  await browser.press("/");
  await browser.send("Input.insertText", { text: "ZOE12" });
  await untilText("#users-count", "1 of 1,000");
  assert.equal(await textOf("#users tbody td"), "zoe12");
  await browser.evaluate(
    "document.activeElement.value = ''; document.activeElement.oninput()",
  );
  await click("#users-more");
  await browser.until(
    "document.querySelectorAll('#users tbody tr').length === 1000",
  );
});

test("the page is no wider than a phone, nor are its dialogs", {
  skip,
}, async () => {
  await using _site = await open();
  await browser.show({ width: 360, height: 740, phone: true, dark: true });
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  await noWiderThan(360);
  await openUser("bruno");
  await click(".reveal");
  await browser.until("document.querySelector('#user .qr').naturalWidth > 0");
  await noWiderThan(360);
  assert.equal(
    await browser.evaluate("getComputedStyle(document.body).backgroundColor"),
    "rgb(14, 17, 22)",
  );
});

test("the page is light or dark as its switch says", { skip }, async () => {
  await using site = await open();
  const ground = (): Promise<string> =>
    browser.evaluate("getComputedStyle(document.body).backgroundColor");
  const light = await ground();
  await browser.press("t");
  assert.equal(await ground(), light);
  await browser.press("t");
  assert.notEqual(await ground(), light);
  await browser.open(site.url);
  assert.notEqual(await ground(), light, "the choice is forgotten");
  assert.equal(await textOf("#theme"), "Dark");
  await untilText("#now-down", "bit/s");
  await browser.press("b");
  await untilText("#now-down", "iB/s");
});

test("the page of a local shows which rule sent connections where", {
  skip,
}, async () => {
  const program = new SampleLocal();
  await using _site = await open({ program });
  await untilText("#requests tbody", "intranet.near.example:443");
  const row = (text: string): Promise<string[]> =>
    browser.evaluate(
      `[...[...document.querySelectorAll("#requests tbody tr")].find((row) => ` +
        `row.textContent.includes(${JSON.stringify(text)})).cells]` +
        `.slice(1).map(({ textContent }) => textContent)`,
    );
  assert.deepEqual((await row("ads.example")).slice(0, 3), [
    "tracker.ads.example:443",
    "blocked",
    'routes[0] domain_suffix "ads.example" (ads:40233)',
  ]);
  assert.equal((await row("wikipedia"))[1], "Frankfurt");
  await browser.press("/");
  await browser.send("Input.insertText", { text: "NEAR:17" });
  await browser.until(
    "[...document.querySelectorAll('#requests tbody tr')]" +
      ".every((row) => row.cells[2].textContent === 'direct')",
  );
  assert.match(
    await textOf("#rules"),
    /ads.*lists\.example.*92,311.*no answer/,
  );
  assert.match(await textOf("#dns"), /direct192\.168\.1\.1:53/);
  assert.match(await textOf("#dns-about"), /812 answers.*55 names/);
  assert.deepEqual(browser.errors, []);
});

test("the page of a local says why no connections are told", {
  skip,
}, async () => {
  await using _site = await open({
    program: new SampleLocal(),
    keepsTargets: false,
  });
  await untilText("#requests-empty", "Targets are kept only");
  assert.equal(await textOf("#state"), "Ready");
});

test("the page adds a server by its link or by an image of it", {
  skip,
}, async () => {
  const link = "ss://YWVzLTEyOC1nY206c2VjcmV0@192.0.2.9:8389#Spare";
  await using site = await open({ program: new SampleLocal() });
  await untilText("#upstreams tbody", "Frankfurt");
  await browser.press("n");
  await browser.until("document.querySelector('#add-server').open");
  await fill("#add-server [name=link]", "nonsense");
  await click("#add-server button.primary");
  await untilText("#add-server .error", "The text is not the link of a server");
  browser.errors.length = 0;
  const dots = JSON.stringify(qrMatrix(link).map((row) => row.map(Number)));
  await browser.evaluate(`(async () => {
    const dots = ${dots}, size = 6, canvas = document.createElement("canvas");
    canvas.width = canvas.height = dots.length * size;
    const context = canvas.getContext("2d");
    context.fillStyle = "white";
    context.fillRect(0, 0, canvas.width, canvas.width);
    context.fillStyle = "black";
    dots.forEach((row, y) => row.forEach((dark, x) => {
      if (dark) context.fillRect(x * size, y * size, size, size);
    }));
    const blob = await new Promise((resolve) => canvas.toBlob(resolve));
    const files = new DataTransfer();
    files.items.add(new File([blob], "code.png", { type: "image/png" }));
    const input = document.querySelector("#add-server [name=image]");
    input.files = files.files;
    input.onchange();
  })()`);
  await browser.until(
    `document.querySelector("#add-server [name=link]").value === ` +
      JSON.stringify(link),
  );
  site.changes.length = 0;
  await click("#add-server button.primary");
  await untilText("#upstreams tbody", "New");
  assert.deepEqual(site.changes, [
    `POST /api/upstreams ${JSON.stringify({ link })}`,
  ]);
  // The link is a secret.
  await browser.until(
    "document.querySelector('#add-server [name=link]').value === ''",
  );
  await browser.evaluate(
    "[...document.querySelectorAll('#upstreams tbody tr')].at(-1)" +
      ".querySelector('button:last-child').click()",
  );
  await untilText("#confirm h2", "Remove server New?");
  await click("#confirm button.primary");
  await browser.until(
    "!document.querySelector('#upstreams tbody').textContent.includes('New')",
  );
  assert.deepEqual(browser.errors, []);
});

/** Returns three nodes, one of which may be drained. */
function sampleFleet(isDraining: boolean): FleetView {
  const node = {
    ...{ version: "0.2.0", runtime: "Bun 1.4.5", startedUnixMs: 0 },
    ...{ isReady: true, connections: 12, bytesPerSecond: 1e6, answerMs: 1.2 },
    ...{ clockOffsetMs: 40, keyIds: [1], isSealed: false, isDraining: false },
    ...{ heardUnixMs: SAMPLE_STARTED_UNIX_MS, state: "up" as const },
    services: [{
      ...{ service: "8388", host: "ams1.example", mode: "tcp_and_udp" },
      method: "2022-blake3-aes-256-gcm",
    }],
  };
  const state = isDraining ? "draining" : "up";
  return {
    ...{ isCurrent: true, nowUnixMs: SAMPLE_STARTED_UNIX_MS, total: 3 },
    ...{ connections: 24, bytesPerSecond: 2e6 },
    states: { up: isDraining ? 1 : 2, draining: isDraining ? 1 : 0, lost: 1 },
    nodes: [
      { ...node, node: "ams1" },
      { ...node, node: "fra1", isDraining, state },
      { ...node, node: "waw1", state: "lost" },
    ],
  };
}

test(
  "the page shows the servers of its fleet, and drains one after a question",
  {
    skip,
  },
  async () => {
    let isDraining = false;
    await using site = await open({ fleet: () => sampleFleet(isDraining) });
    await untilText("#fleet tbody", "waw1");
    assert.match(
      await textOf("#fleet-about"),
      /^2 up, 0 draining, 1 lost; 24 /,
    );
    assert.equal(
      await browser.evaluate(
        "document.querySelector('#fleet tbody tr:last-child td:nth-child(2)')" +
          ".dataset.tone",
      ),
      "bad",
    );
    await browser.show({ width: 360, height: 740, phone: true, dark: true });
    await noWiderThan(360);
    await click("#fleet tbody tr:nth-child(2) button");
    await untilText("#confirm h2", "Drain fra1?");
    await click("#confirm button.primary");
    await untilText("#toast", "fra1 drains");
    isDraining = true;
    await untilText("#fleet tbody tr:nth-child(2)", "Restore");
    await click("#fleet tbody tr:nth-child(2) button");
    await untilText("#toast", "accepts new clients again");
    assert.deepEqual(site.changes, [
      "POST /api/fleet/nodes/fra1/drain",
      "POST /api/fleet/nodes/fra1/restore",
    ]);
    assert.deepEqual(browser.errors, []);
    await using alone = await open();
    await untilText("#state", "Ready");
    assert.equal(
      await browser.evaluate("document.querySelector('#fleet-panel').hidden"),
      true,
    );
    assert.deepEqual(alone.changes, []);
  },
);

test("the page speaks the language that is chosen, from right to left too", {
  skip,
}, async () => {
  await using site = await open();
  await untilText("#state", "Ready");
  for (const { tag, texts, direction } of LANGUAGES.toReversed()) {
    await browser.evaluate(
      `{ const choice = document.querySelector("#language"); ` +
        `choice.value = ${JSON.stringify(tag)}; choice.onchange(); }`,
    );
    await browser.until(
      `document.documentElement?.lang === ${JSON.stringify(tag)} && ` +
        `document.querySelector("#state").textContent.includes(${
          JSON.stringify(texts["state-ready"])
        })`,
    );
    await browser.until("document.querySelectorAll('#users tbody tr').length");
    assert.equal(
      await browser.evaluate("document.documentElement.dir"),
      direction,
    );
    assert.equal(await textOf("#users-title"), texts["users"]);
    for (const width of [1_280, 360]) {
      await browser.show({ width, height: 800, phone: width === 360 });
      assert.equal(
        await browser.evaluate(
          "document.documentElement.scrollWidth - innerWidth",
        ),
        0,
        `${tag} at ${width}`,
      );
      assert.deepEqual(
        await browser.evaluate(
          `[...document.querySelectorAll("table")].filter((table) =>
            table.offsetWidth > table.parentElement.clientWidth &&
            getComputedStyle(table.parentElement).overflowX === "hidden"
          ).map(({ id }) => id)`,
        ),
        [],
        `a column is cut in ${tag} at ${width}`,
      );
    }
    await browser.open(site.url);
    assert.equal(await browser.evaluate("document.documentElement.lang"), tag);
  }
  assert.deepEqual(browser.errors, []);
});
