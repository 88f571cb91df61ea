/// <reference lib="dom" />
/**
 * Refusals by reason: their number in total and in the last minute, and the
 * meaning of each reason.
 *
 * @module
 */
import type { Status } from "../operator.ts";
import { explain } from "../refusals.ts";
import { formatCount } from "../units.ts";
import { byId, make, setText } from "./dom.ts";
import { say } from "./language.ts";

interface Entry {
  readonly item: HTMLLIElement;
  readonly recent: HTMLElement;
  readonly count: HTMLElement;
}

/**
 * A list with the most frequent refusal first; an opened entry explains what to
 * check.
 */
export class RefusalList {
  readonly #list = byId("refusals", HTMLUListElement);
  readonly #entries = new Map<string, Entry>();

  /** Shows the latest counts. */
  draw({ refusals, recentRefusals, drops }: Status): void {
    const counts = new Map(Object.entries(refusals));
    for (const [code, count] of Object.entries(drops)) {
      counts.set(code, (counts.get(code) ?? 0) + count);
    }
    const sorted = [...counts].filter(([, count]) => count > 0)
      .sort(([, a], [, b]) => b - a);
    const items = sorted.map(([code, count]) => {
      const entry = this.#entryOf(code);
      setText(entry.count, formatCount(count));
      const lately = recentRefusals[code] ?? 0;
      setText(entry.recent, lately === 0 ? "" : `+${formatCount(lately)}`);
      return entry.item;
    });
    for (const item of this.#list.children) {
      if (!items.includes(item as HTMLLIElement)) item.remove();
    }
    items.forEach((item, i) => {
      const there = this.#list.children[i];
      if (there !== item) this.#list.insertBefore(item, there ?? null);
    });
    byId("refusals-empty", HTMLElement).hidden = items.length > 0;
  }

  #entryOf(code: string): Entry {
    const known = this.#entries.get(code);
    if (known !== undefined) return known;
    const { title, meaning } = explain(code, say);
    const recent = make("span", "recent");
    recent.title = say("in-last-minute");
    const count = make("span", "number");
    const details = make(
      "details",
      "",
      make("summary", "", make("span", "title", title), recent, count),
      make("p", "", meaning, ...title === code ? [] : [make("code", "", code)]),
    );
    const entry = { item: make("li", "", details), recent, count };
    this.#entries.set(code, entry);
    return entry;
  }
}
