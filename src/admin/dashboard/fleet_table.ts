/// <reference lib="dom" />
/**
 * Shows the servers of a fleet, each with a button to drain it.
 *
 * @module
 */
import type { FleetView } from "../fleet_api.ts";
import { fleetLine, fleetRows } from "../fleet_rows.ts";
import { drainNode } from "./api.ts";
import { act, confirm, toast } from "./dialogs.ts";
import { byId, drawRows, makeButton, makeRow, setText } from "./dom.ts";
import { say } from "./language.ts";
import { unit } from "./preferences.ts";

/** The button of a row and the node that it shows. */
interface Shown {
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
  shown.length = Math.min(shown.length, view.nodes.length);
  const rows = fleetRows(view, unit(), say).map(({ tone, ...texts }) => ({
    texts: [
      texts.name,
      texts.state,
      texts.hosts,
      texts.version,
      texts.open,
      texts.rate,
      texts.answer,
      texts.clock,
      texts.heard,
    ],
    tones: { 1: tone },
  }));
  drawRows("fleet", newRow, rows);
  view.nodes.forEach(({ node, isDraining }, i) => {
    const one = shown[i]!;
    one.name = node;
    one.isDraining = isDraining;
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

function newRow(): HTMLTableRowElement {
  const classes = ["", "", "", "opt"]
    .concat("number", "number", "number opt", "number opt", "number");
  const one: Shown = {
    button: makeButton("", () => one.isDraining ? restore(one) : askDrain(one)),
    name: "",
    isDraining: false,
  };
  shown.push(one);
  const row = makeRow(classes, one.button);
  LABELS.forEach((key, i) => row.cells[i + 4]!.dataset.label = say(key));
  return row;
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

function restore({ name }: Shown): Promise<void> {
  return act(async () => {
    await drainNode(name, false);
    toast(say("fleet-restored", { name }));
  });
}
