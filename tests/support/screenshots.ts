/**
 * Makes the screenshots of the dashboard in `docs/screenshots`, with a sample
 * program.
 *
 * Usage: `deno run -A tests/support/screenshots.ts`; then, to reduce their
 * size, `pngquant --ext .png --force docs/screenshots/*.png`.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { qrSvg } from "../../src/admin/qr.ts";
import { Chromium } from "./chromium.ts";
import { DashboardSite } from "./dashboard_site.ts";
import { ROOT } from "./runtimes.ts";
import { SampleProgram } from "./sample_status.ts";

/** One screenshot. */
interface Picture {
  readonly name: string;
  readonly users: number;
  readonly busy?: boolean;
  readonly width?: number;
  readonly height?: number;
  readonly dark?: boolean;
  readonly phone?: boolean;
  /** Scripts that run in the page before, one after the other. */
  readonly actions?: readonly string[];
}

const PICTURES: readonly Picture[] = [
  { name: "busy", users: 12 },
  { name: "dark", users: 12, dark: true },
  { name: "idle", users: 3, busy: false, height: 900 },
  { name: "fifty", users: 50, height: 1_400 },
  { name: "phone", users: 12, width: 360, height: 780, phone: true },
  {
    name: "user",
    users: 12,
    actions: [
      "document.querySelector('#add').click()",
      "document.querySelector('#add-user [name=name]').value = 'marta'",
      "document.querySelector('#add-user [name=quota]').value = '50'",
      "document.querySelector('#add-user button.primary').click()",
    ],
  },
];

/** Number of statuses for a full plot: somewhat more than three minutes. */
const LOOKS = 190;

/** Makes a second pass in 17 ms in the page; the sample has its own clock. */
const HURRY = "{ const wait = setTimeout; " +
  "setTimeout = (then, ms) => wait(then, ms > 1000 ? ms * 60 : ms / 60) }";

const folder = join(ROOT, "docs", "screenshots");
mkdirSync(folder, { recursive: true });
await using browser = await Chromium.start();
await browser.send("Page.addScriptToEvaluateOnNewDocument", { source: HURRY });
for (const picture of PICTURES) {
  const path = join(folder, `${picture.name}.png`);
  const png = await take(picture);
  writeFileSync(path, png);
  process.stdout.write(`${path}: ${png.length} bytes\n`);
}

async function take(picture: Picture): Promise<Uint8Array> {
  const { width = 1_280, height = 1_000, actions = [] } = picture;
  const program = new SampleProgram(picture);
  await using site = await DashboardSite.start({ program, qr: qrSvg });
  await browser.show({ ...picture, width, height });
  await browser.open(site.url);
  await browser.until(
    `performance.getEntriesByType("resource").length > ${LOOKS}`,
    60_000,
  );
  for (const action of actions) await browser.evaluate(action);
  await browser.until(
    "document.querySelectorAll('dialog[open]').length === 0 || " +
      "document.querySelector('.qr').naturalWidth > 0",
  );
  return await browser.screenshot();
}
