/// <reference lib="dom" />
/**
 * The servers that a local sends through, and the buttons to switch them.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { type UpstreamRow, upstreamRows } from "../upstream_rows.ts";
import { changeUpstream, pinUpstream, probeUpstream } from "./api.ts";
import { toast } from "./dialogs.ts";
import { byId, make, setText, within } from "./dom.ts";

/** One row, and what it shows. */
interface Shown {
  readonly row: HTMLTableRowElement;
  readonly buttons: readonly HTMLButtonElement[];
  name: string;
  isPinned: boolean;
  isDisabled: boolean;
}

const shown: Shown[] = [];

/** Shows the latest; nothing where the program is no local. */
export function drawUpstreams({ upstreams = [], nowUnixMs }: Status): void {
  byId("upstreams-panel", HTMLElement).hidden = upstreams.length === 0;
  const table = byId("upstreams", HTMLTableElement);
  const body = within(table, "tbody", HTMLTableSectionElement);
  while (shown.length > upstreams.length) {
    shown.pop();
    body.deleteRow(-1);
  }
  upstreamRows(upstreams, nowUnixMs).forEach((texts, i) => {
    const one = shown[i] ??= newRow(body);
    const { pinned, disabled } = upstreams[i]!;
    one.name = texts.name;
    one.isPinned = pinned;
    one.isDisabled = disabled;
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
  setText(use!, isPinned ? "Let it choose" : "Use");
  setText(disable!, isDisabled ? "Enable" : "Disable");
  use!.hidden = disable!.hidden = !hasOthers;
}

function newRow(body: HTMLTableSectionElement): Shown {
  const classes = ["", "", "", "", "number", "number", "number", ""];
  const buttons = ["Use", "Disable", "Probe"].map((text) => {
    const button = make("button", "", text);
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
  const [use, disable, probe] = buttons;
  use!.onclick = () =>
    act(() => pinUpstream(one.isPinned ? undefined : one.name));
  disable!.onclick = () =>
    act(() => changeUpstream(one.name, { disabled: !one.isDisabled }));
  probe!.onclick = () =>
    act(async () => {
      const { answered } = await probeUpstream(one.name);
      toast(`${one.name} ${answered ? "answers" : "does not answer"}`);
    });
  body.append(row);
  return one;
}

/** Does what a button is for, and says what went wrong. */
async function act(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    toast((error as Error).message);
  }
}
