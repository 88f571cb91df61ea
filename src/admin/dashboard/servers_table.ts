/// <reference lib="dom" />
/**
 * The listening addresses of the process.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { formatBytes, formatCount } from "../units.ts";
import type { TextKey } from "../texts/say.ts";
import { drawRows, makeRow } from "./dom.ts";
import { say } from "./language.ts";

const MODES: Readonly<Record<string, TextKey>> = {
  "tcp_only": "mode-tcp",
  "udp_only": "mode-udp",
  "tcp_and_udp": "mode-both",
};

/** Shows the latest status. */
export function drawServers({ servers }: Status): void {
  const rows = servers.map(({ address, method, mode, usage, managed }) => ({
    texts: [
      address,
      method,
      MODES[mode] ? say(MODES[mode]) : mode,
      formatBytes(usage.bytesDown),
      formatBytes(usage.bytesUp),
      formatCount(usage.open),
      say(managed ? "from-run-time" : "from-file"),
    ],
  }));
  drawRows("servers", newRow, rows);
}

function newRow(): HTMLTableRowElement {
  return makeRow(["", "", "", "number", "number", "number", ""]);
}
