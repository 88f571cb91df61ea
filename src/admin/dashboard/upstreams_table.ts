/// <reference lib="dom" />
/**
 * The servers of a local, with the buttons that switch them.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { upstreamRows } from "../upstream_rows.ts";
import {
  changeUpstream,
  pinUpstream,
  probeUpstream,
  removeUpstream,
} from "./api.ts";
import { act, confirm, toast } from "./dialogs.ts";
import { byId, drawRows, makeButton, makeRow, setText } from "./dom.ts";
import { say } from "./language.ts";

/** The buttons of a row, and the server that it shows. */
interface Shown {
  readonly buttons: readonly HTMLButtonElement[];
  name: string;
  isPinned: boolean;
  isDisabled: boolean;
}

const shown: Shown[] = [];

/** Shows the latest status; hidden if the program is not a local. */
export function drawUpstreams({ upstreams = [], nowUnixMs }: Status): void {
  byId("upstreams-panel", HTMLElement).hidden = upstreams.length === 0;
  shown.length = Math.min(shown.length, upstreams.length);
  const rows = upstreamRows(upstreams, nowUnixMs, say).map((row) => ({
    texts: [
      row.name,
      row.role,
      row.tcp,
      row.udp,
      row.share,
      row.time,
      row.open,
      row.failure,
    ],
    tones: { 2: row.tcpTone, 3: row.udpTone },
    titles: { 0: row.address },
  }));
  drawRows("upstreams", newRow, rows);
  upstreams.forEach(({ name, pinned, disabled, added = false }, i) => {
    const one = shown[i]!;
    one.name = name;
    one.isPinned = pinned;
    one.isDisabled = disabled;
    const [use, disable, , remove] = one.buttons;
    setText(use!, say(pinned ? "use-none" : "use"));
    setText(disable!, say(disabled ? "enable" : "disable"));
    use!.hidden = disable!.hidden = upstreams.length === 1;
    remove!.hidden = !added;
  });
}

/** Labels of the cells from the third on. */
const LABELS = [
  "server-tcp",
  "server-udp",
  "server-share",
  "server-connect",
  "server-open",
] as const;

function newRow(): HTMLTableRowElement {
  const classes = ["", "", "", "", "number", "number", "number", ""];
  const one: Shown = {
    buttons: [
      makeButton(
        "",
        () => act(() => pinUpstream(one.isPinned ? undefined : one.name)),
      ),
      makeButton(
        "",
        () =>
          act(() => changeUpstream(one.name, { disabled: !one.isDisabled })),
      ),
      makeButton(say("probe"), () => act(() => probe(one.name))),
      makeButton(say("remove"), () => askRemove(one.name)),
    ],
    name: "",
    isPinned: false,
    isDisabled: false,
  };
  shown.push(one);
  const row = makeRow(classes, ...one.buttons);
  // Phones have no room for a table head.
  LABELS.forEach((key, i) => row.cells[i + 2]!.dataset.label = say(key));
  return row;
}

async function probe(name: string): Promise<void> {
  const { answered } = await probeUpstream(name);
  toast(say(answered ? "probe-answers" : "probe-silent", { name }));
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
