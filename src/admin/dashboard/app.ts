/// <reference lib="dom" />
/**
 * The page: fetches the status of the program once a second and shows it.
 *
 * @module
 */
import { STATUS_INTERVAL_MS } from "../../limits.ts";
import { History } from "../history.ts";
import type { Status } from "../operator.ts";
import { formatDuration } from "../units.ts";
import { ApiError, getRequests, getStatus, getUser, hasToken } from "./api.ts";
import { askReload, askToken, isOpen, startDialogs } from "./dialogs.ts";
import { byId, setText } from "./dom.ts";
import { drawDns } from "./dns_table.ts";
import { Figures, ROLES } from "./figures.ts";
import { say } from "./language.ts";
import { drawPlugins } from "./plugins_table.ts";
import {
  nextTheme,
  nextUnit,
  onChange,
  startPreferences,
} from "./preferences.ts";
import { RefusalList } from "./refusal_list.ts";
import { RequestsTable } from "./requests_table.ts";
import { drawRules } from "./rules_table.ts";
import { askNewServer, startServerDialog } from "./server_dialog.ts";
import { drawServers } from "./servers_table.ts";
import { ThroughputPlot } from "./throughput.ts";
import { startLanguage } from "./translate.ts";
import { askNewUser, showUser, startUserDialogs } from "./user_dialogs.ts";
import { drawUpstreams } from "./upstreams_table.ts";
import { rowOf, type UserRow } from "../user_rows.ts";
import { UsersTable } from "./users_table.ts";

const history = new History();
startLanguage();
startDialogs();
startUserDialogs();
startServerDialog();
startPreferences();
const figures = new Figures(history);
const plot = new ThroughputPlot(history);
const refusals = new RefusalList();
const requests = new RequestsTable();
const users = new UsersTable(
  (row) => showUser(row, history.status!),
  () => void update(),
);

/** Time of the last answer, by the clock of this browser. */
let heardUnixMs = Date.now();

/** The action of each key, the same as those of the buttons at the top. */
const SHORTCUTS: Readonly<Record<string, () => void>> = {
  "/": () =>
    byId(isLocal() ? "requests-filter" : "filter", HTMLElement).focus(),
  "?": () => byId("help", HTMLDialogElement).showModal(),
  n: () => isLocal() ? addServer() : addUser(),
  r: () =>
    void askReload(
      (history.status?.servers ?? []).flatMap(({ users }) => users).length,
    ),
  b: nextUnit,
  t: nextTheme,
};

byId("add", HTMLElement).onclick = addUser;
byId("add-server-open", HTMLElement).onclick = addServer;
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

/** Fetches and shows the status, and again a second later. */
async function look(): Promise<void> {
  const began = performance.now();
  await update();
  const rest = STATUS_INTERVAL_MS - (performance.now() - began);
  setTimeout(look, Math.max(0, rest));
}

async function update(): Promise<void> {
  try {
    history.push(await getStatus(users.page));
    heardUnixMs = Date.now();
    showLost("");
    draw();
    if (isLocal()) await updateRequests();
  } catch (error) {
    if (error instanceof ApiError && error.status === 401) {
      showState("wait", say("state-locked"));
      askToken(hasToken());
    } else if (error instanceof ApiError) {
      showLost(say("lost-refused", { reason: error.message }));
    } else {
      showLost(
        say("lost-since", {
          time: formatDuration(Date.now() - heardUnixMs, say),
        }),
      );
    }
  }
}

/** Updates the requests. If targets are not kept, the answer says so. */
async function updateRequests(): Promise<void> {
  try {
    requests.draw(history.status!, await getRequests());
  } catch (error) {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
    requests.refuse(error.message);
  }
}

function isLocal(): boolean {
  return history.status?.role === "local";
}

/** Shows the latest status. */
function draw(): void {
  const { status } = history;
  if (status === undefined) return;
  figures.draw(status);
  plot.draw();
  refusals.draw(status);
  users.draw(status);
  drawUpstreams(status);
  drawRules(status);
  drawDns(status);
  drawPlugins(status);
  drawServers(status);
  showLegacy(status);
  const reads = status.role === "server";
  byId("add", HTMLElement).hidden = !reads || status.servers.length === 0;
  showState(
    status.ready ? "ready" : "wait",
    say(status.ready ? "state-ready" : "state-not-ready"),
  );
  document.title = say("page-title", { role: say(ROLES[status.role]) });
}

function showState(state: "ready" | "wait" | "lost", text: string): void {
  const element = byId("state", HTMLElement);
  element.dataset.state = state;
  setText(element, text);
}

/** Shows the ports with legacy methods. */
function showLegacy({ legacy }: Status): void {
  const banner = byId("legacy", HTMLElement);
  banner.hidden = legacy.length === 0;
  setText(
    banner,
    say("legacy-banner", { methods: legacy.join(", ") }),
  );
}

/** @param text The problem; empty if there is none. */
function showLost(text: string): void {
  const banner = byId("lost", HTMLElement);
  const lost = text !== "";
  banner.hidden = !lost;
  setText(banner, text);
  byId("main", HTMLElement).classList.toggle("stale", lost);
  if (lost) showState("lost", say("state-lost"));
}

function addServer(): void {
  if (isLocal()) askNewServer(update);
}

function addUser(): void {
  const { status } = history;
  if (status === undefined || byId("add", HTMLElement).hidden) return;
  askNewUser(status, find);
}

/** Fetches the status again and returns the row of a new user. */
async function find(
  server: string,
  name: string,
): Promise<UserRow | undefined> {
  await update();
  return rowOf(server, await getUser(server, name), Date.now());
}
