/// <reference lib="dom" />
/**
 * The DNS inbound: its resolvers and their results.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { failureText } from "../upstream_rows.ts";
import { wayText } from "../request_rows.ts";
import { formatCount } from "../units.ts";
import { byId, drawRows, makeRow, setText } from "./dom.ts";
import { say } from "./language.ts";

/** Shows the latest status; hidden if there is no DNS inbound. */
export function drawDns({ dns }: Status): void {
  byId("dns-panel", HTMLElement).hidden = dns === undefined;
  if (dns === undefined) return;
  const { address, ways, answers, names, madeUp } = dns;
  const about = say("dns-about", {
    address,
    answers: formatCount(answers),
    names: formatCount(names),
  });
  setText(
    byId("dns-about", HTMLElement),
    madeUp === undefined
      ? about
      : about + say("dns-made-up", { count: formatCount(madeUp) }),
  );
  const rows = ways.map((one) => ({
    texts: [
      wayText(one.way, say),
      one.resolver,
      formatCount(one.asked),
      formatCount(one.cached),
      formatCount(one.failed),
      failureText(one.lastErrorCode, say),
    ],
  }));
  drawRows("dns", newRow, rows);
}

function newRow(): HTMLTableRowElement {
  return makeRow(["", "", "number", "number", "number", ""]);
}
