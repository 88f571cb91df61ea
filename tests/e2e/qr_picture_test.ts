/**
 * Tests the QR code as a picture in a real browser: dashboard and invitation
 * save and share it as PNG, and it contains the link.
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { qrMatrix, qrSvg } from "../../src/admin/qr.ts";
import { AdminWorld } from "../support/admin_world.ts";
import { Chromium, CHROMIUMS } from "../support/chromium.ts";
import { DashboardSite } from "../support/dashboard_site.ts";
import { InvitationSite } from "../support/invitation_site.ts";
import { announceSkip } from "../support/report.ts";
import { SampleProgram } from "../support/sample_status.ts";
import { until } from "../support/within.ts";
import { missingPrograms } from "./clients.ts";

const skip = missingPrograms(CHROMIUMS, "chromium");
if (skip) announceSkip(`QR codes as pictures: ${skip}`);

/** Lets the browser share files, as phones do. */
const PHONE = `navigator.canShare = () => true;
navigator.share = (data) => {
  globalThis.shared = data;
  return Promise.resolve();
};`;

const folder = mkdtempSync(join(tmpdir(), "umbra-picture-"));
let browser: Chromium;
before(async () => {
  if (skip) return;
  browser = await Chromium.start();
  await browser.send("Page.addScriptToEvaluateOnNewDocument", {
    source: PHONE,
  });
  await browser.send("Browser.setDownloadBehavior", {
    ...{ behavior: "allow", downloadPath: folder },
  });
});
after(async () => {
  await browser?.[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

test("the dashboard saves and shares the code of a user as PNG", {
  skip,
}, async () => {
  const program = new SampleProgram({ users: 3 });
  await using site = await DashboardSite.start({ program, qr: qrSvg });
  await browser.open(site.url);
  await browser.until("document.querySelectorAll('#users tbody tr').length");
  await browser.evaluate(
    "document.querySelector('#users tbody button').click()",
  );
  const name = await browser.evaluate<string>(
    "document.querySelector('#user h2').textContent",
  );
  await browser.evaluate("document.querySelector('#user .reveal').click()");
  await browser.until("document.querySelector('.save-qr').href");
  await browser.evaluate("document.querySelector('#user .share').click()");
  await checkShared(`${plain(name)}.png`);
  const link = await browser.evaluate<string>(
    "document.querySelector('#user [name=uri]').value",
  );
  await browser.evaluate("document.querySelector('.save-qr').click()");
  await checkPicture(`${plain(name)}.png`, link);
  assert.deepEqual(browser.errors, []);
});

test("an invitation saves and shares its code as PNG", { skip }, async () => {
  const world = new AdminWorld();
  await using site = await InvitationSite.start(world, "bob");
  browser.errors.length = 0;
  await browser.open(site.url);
  await browser.until("!document.querySelector('a[download]').hidden");
  await browser.evaluate("document.querySelector('figure button').click()");
  await checkShared("bob.png");
  const link = await browser.evaluate<string>(
    "document.querySelector('.field input').value",
  );
  await browser.evaluate("document.querySelector('a[download]').click()");
  await checkPicture("bob.png", link);
  assert.deepEqual(browser.errors, []);
});

/** Returns a name without the marks around it that set its direction. */
function plain(name: string): string {
  return name.replace(/[\u2066-\u2069]/g, "");
}

async function checkShared(name: string): Promise<void> {
  await browser.until("globalThis.shared");
  assert.deepEqual(
    await browser.evaluate(
      "shared.files.map(({ name, type }) => [name, type])",
    ),
    [[name, "image/png"]],
  );
}

/** Compares the centres of the modules of a saved picture with the code. */
async function checkPicture(name: string, link: string): Promise<void> {
  const file = join(folder, name);
  await until(10_000, `${name} is saved`, () => existsSync(file));
  const png = readFileSync(file).toString("base64");
  const matrix = qrMatrix(link);
  await browser.open("about:blank");
  const seen = await browser.evaluate<number[][]>(`(async () => {
    const image = new Image();
    image.src = "data:image/png;base64,${png}";
    await image.decode();
    const canvas = document.createElement("canvas");
    const side = canvas.width = canvas.height = image.naturalWidth;
    const context = canvas.getContext("2d", { willReadFrequently: true });
    context.drawImage(image, 0, 0);
    const at = (i) => Math.floor((i + 0.5) * side / ${matrix.length});
    const row = (_, y) => Array.from({ length: ${matrix.length} }, (_, x) =>
      Number(context.getImageData(at(x), at(y), 1, 1).data[0] < 128));
    return Array.from({ length: ${matrix.length} }, row);
  })()`);
  assert.deepEqual(seen, matrix.map((row) => row.map(Number)));
}
