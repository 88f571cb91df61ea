/// <reference lib="dom" />
/**
 * The listening addresses of the process.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { formatBytes, formatCount } from "../units.ts";
import type { TextKey } from "../texts/say.ts";
import { byId, make, setText, within } from "./dom.ts";
import { say } from "./language.ts";

const MODES: Readonly<Record<string, TextKey>> = {
  "tcp_only": "mode-tcp",
  "udp_only": "mode-udp",
  "tcp_and_udp": "mode-both",
};

/** Shows the latest status. */
export function drawServers({ servers }: Status): void {
  const table = byId("servers", HTMLTableElement);
  const body = within(table, "tbody", HTMLTableSectionElement);
  while (body.rows.length > servers.length) body.deleteRow(-1);
  servers.forEach(({ address, method, mode, usage, managed }, i) => {
    const row = body.rows[i] ?? body.appendChild(newRow());
    const texts = [
      address,
      method,
      MODES[mode] ? say(MODES[mode]) : mode,
      formatBytes(usage.bytesDown),
      formatBytes(usage.bytesUp),
      formatCount(usage.open),
      say(managed ? "from-run-time" : "from-file"),
    ];
    texts.forEach((text, j) => setText(row.cells[j]!, text));
  });
}

function newRow(): HTMLTableRowElement {
  const classes = ["", "", "", "number", "number", "number", ""];
  return make("tr", "", ...classes.map((name) => make("td", name)));
}
