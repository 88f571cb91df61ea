/// <reference lib="dom" />
/**
 * The servers of a local, with the buttons that switch them.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { type UpstreamRow, upstreamRows } from "../upstream_rows.ts";
import {
  changeUpstream,
  pinUpstream,
  probeUpstream,
  removeUpstream,
} from "./api.ts";
import { confirm, toast } from "./dialogs.ts";
import { byId, make, setText, within } from "./dom.ts";
import { say } from "./language.ts";

/** A row, and what it shows. */
interface Shown {
  readonly row: HTMLTableRowElement;
  readonly buttons: readonly HTMLButtonElement[];
  name: string;
  isPinned: boolean;
  isDisabled: boolean;
}

const shown: Shown[] = [];

/** Shows the latest status; hidden if the program is not a local. */
export function drawUpstreams({ upstreams = [], nowUnixMs }: Status): void {
  byId("upstreams-panel", HTMLElement).hidden = upstreams.length === 0;
  const table = byId("upstreams", HTMLTableElement);
  const body = within(table, "tbody", HTMLTableSectionElement);
  while (shown.length > upstreams.length) {
    shown.pop();
    body.deleteRow(-1);
  }
  upstreamRows(upstreams, nowUnixMs, say).forEach((texts, i) => {
    const one = shown[i] ??= newRow(body);
    const { pinned, disabled, added = false } = upstreams[i]!;
    one.name = texts.name;
    one.isPinned = pinned;
    one.isDisabled = disabled;
    one.buttons[3]!.hidden = !added;
    draw(one, texts, upstreams.length > 1);
  });
}

function draw(one: Shown, texts: UpstreamRow, hasOthers: boolean): void {
  const { row, buttons, isPinned, isDisabled } = one;
  const cells = [
    texts.name,
    texts.role,
    texts.tcp,
    texts.udp,
    texts.share,
    texts.time,
    texts.open,
    texts.failure,
  ];
  cells.forEach((text, j) => setText(row.cells[j]!, text));
  row.cells[0]!.title = texts.address;
  row.cells[2]!.dataset.tone = texts.tcpTone;
  row.cells[3]!.dataset.tone = texts.udpTone;
  const [use, disable] = buttons;
  setText(use!, say(isPinned ? "use-none" : "use"));
  setText(disable!, say(isDisabled ? "enable" : "disable"));
  use!.hidden = disable!.hidden = !hasOthers;
}

/** Labels of the cells from the third on. */
const LABELS = [
  "server-tcp",
  "server-udp",
  "server-share",
  "server-connect",
  "server-open",
] as const;

function newRow(body: HTMLTableSectionElement): Shown {
  const classes = ["", "", "", "", "number", "number", "number", ""];
  const keys = ["use", "disable", "probe", "remove"] as const;
  const buttons = keys.map((key) => {
    const button = make("button", "", say(key));
    button.type = "button";
    return button;
  });
  const row = make(
    "tr",
    "",
    ...classes.map((name) => make("td", name)),
    make("td", "actions", ...buttons),
  );
  const one: Shown = {
    row,
    buttons,
    name: "",
    isPinned: false,
    isDisabled: false,
  };
  // Phones have no room for a table head.
  LABELS.forEach((key, i) => row.cells[i + 2]!.dataset.label = say(key));
  const [use, disable, probe, remove] = buttons;
  use!.onclick = () =>
    act(() => pinUpstream(one.isPinned ? undefined : one.name));
  disable!.onclick = () =>
    act(() => changeUpstream(one.name, { disabled: !one.isDisabled }));
  probe!.onclick = () =>
    act(async () => {
      const { answered } = await probeUpstream(one.name);
      toast(
        say(answered ? "probe-answers" : "probe-silent", { name: one.name }),
      );
    });
  remove!.onclick = () => askRemove(one.name);
  body.append(row);
  return one;
}

function askRemove(name: string): void {
  confirm({
    title: say("server-remove-title", { name }),
    note: say("server-remove-note"),
    yes: say("remove"),
    danger: true,
  }, async () => {
    await removeUpstream(name);
    toast(say("server-removed", { name }));
  });
}

/** Runs the action of a button, and shows an error. */
async function act(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    toast((error as Error).message);
  }
}
