/// <reference lib="dom" />
/**
 * Shows the servers of a fleet, each with a button to drain it.
 *
 * @module
 */
import type { FleetView } from "../fleet_api.ts";
import { fleetLine, fleetRows } from "../fleet_rows.ts";
import { drainNode } from "./api.ts";
import { confirm, toast } from "./dialogs.ts";
import { byId, make, setText, within } from "./dom.ts";
import { say } from "./language.ts";
import { unit } from "./preferences.ts";

/** A row and the node that it shows. */
interface Shown {
  readonly row: HTMLTableRowElement;
  readonly button: HTMLButtonElement;
  name: string;
  isDraining: boolean;
}

const shown: Shown[] = [];

/**
 * Shows the latest state of the fleet; hides the table if there is no fleet.
 */
export function drawFleet(view: FleetView | undefined): void {
  byId("fleet-panel", HTMLElement).hidden = view === undefined;
  if (view === undefined) return;
  setText(byId("fleet-about", HTMLElement), fleetLine(view, unit(), say));
  const table = byId("fleet", HTMLTableElement);
  const body = within(table, "tbody", HTMLTableSectionElement);
  while (shown.length > view.nodes.length) {
    shown.pop();
    body.deleteRow(-1);
  }
  fleetRows(view, unit(), say).forEach((texts, i) => {
    const one = shown[i] ??= newRow(body);
    const { isDraining } = view.nodes[i]!;
    one.name = texts.name;
    one.isDraining = isDraining;
    const cells = [
      texts.name,
      texts.state,
      texts.hosts,
      texts.version,
      texts.open,
      texts.rate,
      texts.answer,
      texts.clock,
      texts.heard,
    ];
    cells.forEach((text, j) => setText(one.row.cells[j]!, text));
    one.row.cells[1]!.dataset.tone = texts.tone;
    setText(one.button, say(isDraining ? "fleet-restore" : "fleet-drain"));
  });
}

/**
 * Labels of the cells from the fifth on, for screens without room for a table
 * head.
 */
const LABELS = [
  "server-open",
  "fleet-rate",
  "fleet-engine",
  "fleet-clock",
  "fleet-heard",
] as const;

function newRow(body: HTMLTableSectionElement): Shown {
  const classes = ["", "", "", "opt"]
    .concat("number", "number", "number opt", "number opt", "number");
  const button = make("button", "");
  button.type = "button";
  const row = make(
    "tr",
    "",
    ...classes.map((name) => make("td", name)),
    make("td", "actions", button),
  );
  LABELS.forEach((key, i) => row.cells[i + 4]!.dataset.label = say(key));
  const one: Shown = { row, button, name: "", isDraining: false };
  button.onclick = () => one.isDraining ? void restore(one) : askDrain(one);
  body.append(row);
  return one;
}

function askDrain({ name }: Shown): void {
  confirm({
    title: say("fleet-drain-title", { name }),
    note: say("fleet-drain-note"),
    yes: say("fleet-drain"),
    danger: true,
  }, async () => {
    await drainNode(name, true);
    toast(say("fleet-drained", { name }));
  });
}

async function restore({ name }: Shown): Promise<void> {
  try {
    await drainNode(name, false);
    toast(say("fleet-restored", { name }));
  } catch (error) {
    toast((error as Error).message);
  }
}
