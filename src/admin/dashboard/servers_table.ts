/// <reference lib="dom" />
/**
 * Where the process listens.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { formatBytes, formatCount } from "../units.ts";
import { byId, make, setText, within } from "./dom.ts";

const MODES: Readonly<Record<string, string>> = {
  "tcp_only": "TCP",
  "udp_only": "UDP",
  "tcp_and_udp": "TCP and UDP",
};

/** Shows the latest. */
export function drawServers({ servers }: Status): void {
  const table = byId("servers", HTMLTableElement);
  const body = within(table, "tbody", HTMLTableSectionElement);
  while (body.rows.length > servers.length) body.deleteRow(-1);
  servers.forEach(({ address, method, mode, usage, managed }, i) => {
    const row = body.rows[i] ?? body.appendChild(newRow());
    const texts = [
      address,
      method,
      MODES[mode] ?? mode,
      formatBytes(usage.bytesDown),
      formatBytes(usage.bytesUp),
      formatCount(usage.open),
      managed ? "added at run time" : "configuration",
    ];
    texts.forEach((text, j) => setText(row.cells[j]!, text));
  });
}

function newRow(): HTMLTableRowElement {
  const classes = ["", "", "", "number", "number", "number", ""];
  return make("tr", "", ...classes.map((name) => make("td", name)));
}
