/**
 * Takes pictures of every page and state for inspection: each state on one
 * sheet, in all languages, light and dark, wide and on a phone.
 *
 * Usage: `deno run -A tests/support/every_state.ts FOLDER [STATE…]`
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { qrSvg } from "../../src/admin/qr.ts";
import type { UserLimits } from "../../src/users.ts";
import { AdminWorld } from "./admin_world.ts";
import { Chromium } from "./chromium.ts";
import { DashboardSite, type SiteOptions } from "./dashboard_site.ts";
import { InvitationSite } from "./invitation_site.ts";
import { SampleLocal } from "./sample_local.ts";
import { SampleProgram } from "./sample_status.ts";
import { pause } from "./within.ts";

/** A served page. */
interface Served extends AsyncDisposable {
  readonly url: string;
}

/** The language, colours and size of a picture. */
interface Look {
  readonly language: string;
  readonly dark?: boolean;
  readonly phone?: boolean;
}

const LOOKS: readonly Look[] = [
  { language: "en" },
  { language: "ru", dark: true },
  { language: "fa" },
  { language: "zh-CN", phone: true },
  { language: "fa", phone: true, dark: true },
];

/** A state of a page. */
interface State {
  serve(): Promise<Served>;
  /** Expressions that run in the page before the picture, in order. */
  readonly actions?: readonly string[];
  /** Pixels; default: as high as a window or a phone. */
  readonly height?: number;
}

const click = (selector: string): string =>
  `document.querySelector(${JSON.stringify(selector)}).click()`;

/** Opens the dialog of the first user. */
const FIRST_USER = click("#users tbody button");

const CHANGES = Array.from(
  { length: 12 },
  (_, i) => `ss-server 0.0.0.0:8388: user u${i} has another password`,
).concat("ss-server 0.0.0.0:8388: user ann: quota_bytes 5 GiB, was no limit");

const STATES: Readonly<Record<string, State>> = {
  server: { serve: () => server(), height: 1_400 },
  idle: { serve: () => server({}, { users: 3, busy: false }), height: 1_000 },
  none: { serve: () => server({}, { users: 0, busy: false }), height: 1_000 },
  day: {
    serve: () => server(),
    actions: [click("[name=window][value='1440']")],
  },
  "add-user": { serve: () => server(), actions: [click("#add")] },
  user: {
    serve: () => server(),
    actions: [FIRST_USER, click("#user .reveal")],
    height: 1_300,
  },
  "user-hidden": { serve: () => server(), actions: [FIRST_USER] },
  remove: {
    serve: () => server(),
    actions: [FIRST_USER, click("#user .remove")],
  },
  reload: {
    serve: () =>
      server({
        report: {
          warnings: ["changed, and takes effect after a restart: store"],
          changes: CHANGES,
        },
      }),
    actions: [click("#reload")],
  },
  help: { serve: () => server(), actions: [click("#help-open")] },
  login: {
    serve: () => server({ token: "a token of sixteen" }),
    actions: [
      "document.querySelector('#login [name=token]').value = 'wrong'",
      click("#login button.primary"),
    ],
  },
  lost: {
    serve: async () => {
      const site = await server();
      silenceLater(site);
      return site;
    },
  },
  local: { serve: () => local(), height: 2_400 },
  "add-server": {
    serve: () => local(),
    actions: [
      click("#add-server-open"),
      "document.querySelector('#add-server [name=link]').value = 'nonsense'",
      click("#add-server button.primary"),
    ],
  },
  "local-private": {
    serve: () => local({ keepsTargets: false }),
    height: 2_000,
  },
  invitation: { serve: () => invitation({}), height: 1_900 },
  "invitation-limited": {
    serve: () =>
      invitation({ quotaBytes: 1_024, expiresUnixMs: Date.UTC(2027, 0, 31) }),
    height: 1_900,
  },
  "invitation-ended": {
    serve: () =>
      invitation({ quotaBytes: 512, expiresUnixMs: Date.UTC(2020, 0, 31) }),
    height: 1_900,
  },
};

const [folder, ...names] = process.argv.slice(2);
if (folder === undefined) throw new Error("Name a folder");
mkdirSync(folder, { recursive: true });
await using browser = await Chromium.start();
for (const [name, state] of Object.entries(STATES)) {
  if (names.length > 0 && !names.includes(name)) continue;
  const path = join(folder, `${name}.png`);
  writeFileSync(path, await sheet(await pictures(state)));
  process.stdout.write(`${path}\n`);
}

async function pictures(state: State): Promise<Uint8Array[]> {
  const taken: Uint8Array[] = [];
  for (const look of LOOKS) taken.push(await take(state, look));
  return taken;
}

async function take(
  { serve, actions = [], height }: State,
  { language, dark = false, phone = false }: Look,
): Promise<Uint8Array> {
  await using site = await serve();
  await browser.show({
    width: phone ? 360 : 1_280,
    height: phone ? Math.max(780, (height ?? 0) * 1.2) : height ?? 900,
    ...{ dark, phone },
  });
  const isDashboard = site instanceof DashboardSite;
  await browser.open(isDashboard ? site.url : `${site.url}?lang=${language}`);
  if (isDashboard) {
    await browser.evaluate(
      `localStorage.setItem("umbra-language", ${JSON.stringify(language)})`,
    );
    await browser.open(site.url);
    await browser.until("document.querySelector('#state')?.textContent.trim()");
    await pause(1_000);
  }
  for (const action of actions) {
    await browser.evaluate(action);
    await pause(400);
  }
  await pause(isDashboard ? 1_500 : 200);
  return await browser.screenshot();
}

/** Puts all pictures side by side. */
async function sheet(all: readonly Uint8Array[]): Promise<Uint8Array> {
  const images = all.map((png, i) =>
    `<img width="${LOOKS[i]!.phone ? 360 : 800}" ` +
    `src="data:image/png;base64,${Buffer.from(png).toString("base64")}">`
  );
  await browser.show({ width: 2_460, height: 1_000 });
  await browser.open("about:blank");
  await browser.evaluate(
    `document.body.innerHTML = ${JSON.stringify(images.join(" "))}`,
  );
  await browser.until("[...document.images].every((one) => one.complete)");
  const height = await browser.evaluate<number>(
    "document.documentElement.scrollHeight",
  );
  await browser.show({ width: 2_460, height });
  return await browser.screenshot();
}

function server(
  options: Partial<SiteOptions> = {},
  sample: ConstructorParameters<typeof SampleProgram>[0] = { users: 12 },
): Promise<DashboardSite> {
  const program = new SampleProgram(sample);
  return DashboardSite.start({ program, qr: qrSvg, ...options });
}

function local(options: Partial<SiteOptions> = {}): Promise<DashboardSite> {
  return DashboardSite.start({ program: new SampleLocal(), ...options });
}

async function invitation(limits: UserLimits): Promise<InvitationSite> {
  const world = new AdminWorld();
  world.operator.move("8388", "bob", { up: 256, down: 256 });
  world.operator.changeUser("8388", "bob", { limits });
  return await InvitationSite.start(world, "bob");
}

/** Lets the page show the program once before it stops answering. */
function silenceLater(site: DashboardSite): void {
  setTimeout(() => site.silent = true, 2_000);
}
