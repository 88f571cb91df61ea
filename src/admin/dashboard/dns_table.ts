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
import { byId, make, setText, within } from "./dom.ts";
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
  const table = byId("dns", HTMLTableElement);
  const body = within(table, "tbody", HTMLTableSectionElement);
  while (body.rows.length > ways.length) body.deleteRow(-1);
  ways.forEach(({ way, resolver, asked, cached, failed, lastErrorCode }, i) => {
    const row = body.rows[i] ?? body.appendChild(newRow());
    const texts = [
      wayText(way, say),
      resolver,
      formatCount(asked),
      formatCount(cached),
      formatCount(failed),
      failureText(lastErrorCode, say),
    ];
    texts.forEach((text, j) => setText(row.cells[j]!, text));
  });
}

function newRow(): HTMLTableRowElement {
  const classes = ["", "", "number", "number", "number", ""];
  return make("tr", "", ...classes.map((name) => make("td", name)));
}
