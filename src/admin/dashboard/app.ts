/// <reference lib="dom" />
/**
 * The page: looks at the program once a second and shows what it sees.
 *
 * @module
 */
import { STATUS_INTERVAL_MS } from "../../limits.ts";
import { History, keyOf } from "../history.ts";
import type { Status } from "../operator.ts";
import { formatDuration } from "../units.ts";
import { ApiError, getStatus, hasToken } from "./api.ts";
import { askReload, askToken, isOpen, startDialogs } from "./dialogs.ts";
import { byId, setText } from "./dom.ts";
import { Figures } from "./figures.ts";
import { drawPlugins } from "./plugins_table.ts";
import {
  nextTheme,
  nextUnit,
  onChange,
  startPreferences,
} from "./preferences.ts";
import { RefusalList } from "./refusal_list.ts";
import { drawServers } from "./servers_table.ts";
import { ThroughputPlot } from "./throughput.ts";
import { askNewUser, showUser, startUserDialogs } from "./user_dialogs.ts";
import { drawUpstreams } from "./upstreams_table.ts";
import { rowsOf, type UserRow } from "../user_rows.ts";
import { UsersTable } from "./users_table.ts";

const history = new History();
startDialogs();
startUserDialogs();
startPreferences();
const figures = new Figures(history);
const plot = new ThroughputPlot(history);
const refusals = new RefusalList();
const users = new UsersTable(history, (row) => showUser(row, history.status!));

/** When the server was last heard, by the clock of this browser. */
let heardUnixMs = Date.now();

/** What a key does; also what the buttons on top do. */
const SHORTCUTS: Readonly<Record<string, () => void>> = {
  "/": () => byId("filter", HTMLElement).focus(),
  "?": () => byId("help", HTMLDialogElement).showModal(),
  n: addUser,
  r: () =>
    void askReload(
      (history.status?.servers ?? []).flatMap(({ users }) => users).length,
    ),
  b: nextUnit,
  t: nextTheme,
};

byId("add", HTMLElement).onclick = addUser;
byId("reload", HTMLElement).onclick = SHORTCUTS.r!;
byId("help-open", HTMLElement).onclick = SHORTCUTS["?"]!;
document.onkeydown = (event) => {
  const { target, key, ctrlKey, metaKey, altKey } = event;
  const typing =
    target instanceof HTMLInputElement && target.type !== "radio" ||
    target instanceof HTMLSelectElement;
  if (typing || isOpen() || ctrlKey || metaKey || altKey) return;
  const action = SHORTCUTS[key];
  if (action === undefined) return;
  event.preventDefault();
  action();
};
onChange(draw);
look();

/** Looks, and comes back in a second. */
async function look(): Promise<void> {
  const began = performance.now();
  await update();
  const rest = STATUS_INTERVAL_MS - (performance.now() - began);
  setTimeout(look, Math.max(0, rest));
}

async function update(): Promise<void> {
  try {
    history.push(await getStatus());
    heardUnixMs = Date.now();
    showLost("");
    draw();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      showState("wait", "Locked");
      askToken(hasToken());
    } else if (error instanceof ApiError) {
      showLost(`The server refuses: ${error.message}`);
    } else {
      showLost(
        `Connection to the server lost ${
          formatDuration(Date.now() - heardUnixMs)
        } ago. Trying again every second.`,
      );
    }
  }
}

/** Shows the latest look. */
function draw(): void {
  const { status } = history;
  if (status === undefined) return;
  figures.draw(status);
  plot.draw();
  refusals.draw(status);
  users.draw(status);
  drawUpstreams(status);
  drawPlugins(status);
  drawServers(status);
  showLegacy(status);
  const reads = status.role === "server";
  byId("add", HTMLElement).hidden = !reads || status.servers.length === 0;
  showState(
    status.ready ? "ready" : "wait",
    status.ready ? "Ready" : "Not ready: starting or stopping",
  );
  document.title = `Umbra, ${status.role}`;
}

function showState(state: "ready" | "wait" | "lost", text: string): void {
  const element = byId("state", HTMLElement);
  element.dataset.state = state;
  setText(element, text);
}

/** What is served that protects nothing. */
function showLegacy({ legacy }: Status): void {
  const banner = byId("legacy", HTMLElement);
  banner.hidden = legacy.length === 0;
  setText(
    banner,
    `Allowed by --allow-legacy, and not protected from changes: ${
      legacy.join(", ")
    }. Whoever is on the way can change what passes.`,
  );
}

/** @param text Empty: all is well. */
function showLost(text: string): void {
  const banner = byId("lost", HTMLElement);
  const lost = text !== "";
  banner.hidden = !lost;
  setText(banner, text);
  byId("main", HTMLElement).classList.toggle("stale", lost);
  if (lost) showState("lost", "Lost");
}

function addUser(): void {
  const { status } = history;
  if (status === undefined || byId("add", HTMLElement).hidden) return;
  askNewUser(status, find);
}

/** Looks again, for a user that is new. */
async function find(
  server: string,
  name: string,
): Promise<UserRow | undefined> {
  await update();
  const key = keyOf(server, name);
  const { status } = history;
  return status && rowsOf(status, history).find((row) => row.key === key);
}
