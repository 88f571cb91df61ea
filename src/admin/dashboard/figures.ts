/// <reference lib="dom" />
/**
 * The numbers on top, and the health of the process.
 *
 * @module
 */
import type { History } from "../history.ts";
import type { Status } from "../operator.ts";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatMs,
  formatRate,
} from "../units.ts";
import { byId, make, setText } from "./dom.ts";
import { unit } from "./preferences.ts";
import { spark } from "./spark.ts";

/** Every number of {@link Status} that stands alone. */
export class Figures {
  readonly #history: History;
  readonly #sparks: (() => void)[];

  /** Makes the small plots. */
  constructor(history: History) {
    this.#history = history;
    this.#sparks = [
      spark("dial-plot", history, ({ dialP90Ms }) => dialP90Ms, 100),
      spark("lag-plot", history, ({ lagMs }) => lagMs, 20),
      spark("memory-plot", history, (sample) => sample.residentBytes, 1),
      spark("descriptors-plot", history, (sample) => sample.descriptors, 1),
    ];
  }

  /** Shows the latest. */
  draw(status: Status): void {
    const { traffic, connections, associations } = status;
    const { up, down } = this.#history.rate;
    show("now-down", formatRate(down, unit()));
    show("total-down", `${formatBytes(traffic.bytesDown)} in all`);
    show("now-up", formatRate(up, unit()));
    show("total-up", `${formatBytes(traffic.bytesUp)} in all`);
    show("now-open", formatCount(connections.open));
    show("limit-open", `of ${formatCount(connections.limit)} at most`);
    show("now-associations", formatCount(associations.open));
    show("evicted", udpNote(status));
    const recent = Object.values(status.recentRefusals);
    show("now-refused", formatCount(recent.reduce(plus, 0)));
    const refused = Object.values(status.refusals).reduce(plus, 0);
    show("total-refused", `last minute; ${formatCount(refused)} in all`);
    this.#drawUsers(status);
    this.#drawHealth(status);
    for (const draw of this.#sparks) draw();
  }

  #drawUsers({ users, role }: Status): void {
    byId("figure-users", HTMLElement).hidden = users.total === 0 &&
      role === "local";
    show("now-users", formatCount(users.connected));
    show("total-users", `of ${formatCount(users.total)}`);
  }

  #drawHealth(status: Status): void {
    const { dialMs, descriptors } = status;
    show("dial", dialMs.count === 0 ? "–" : formatMs(dialMs.p50));
    show(
      "dial-more",
      dialMs.count === 0
        ? "nothing dialled in the last minute"
        : `median; 90 % ${formatMs(dialMs.p90)}, 99 % ${formatMs(dialMs.p99)}`,
    );
    show("lag", formatMs(status.eventLoopLagMs));
    show("memory", formatBytes(status.residentBytes));
    show("descriptors", descriptors ? formatCount(descriptors.open) : "–");
    show(
      "descriptors-more",
      descriptors
        ? `of ${formatCount(descriptors.limit)} at most`
        : "this runtime does not tell",
    );
    drawCrypto(status);
    show("version", `Umbra ${status.version} on ${status.runtime}`);
    show(
      "about",
      `${status.role}, up ${
        formatDuration(status.nowUnixMs - status.startedUnixMs)
      }`,
    );
  }
}

/** Every method in use, and the clocks of the clients. */
function drawCrypto({ crypto, clockSkewSeconds }: Status): void {
  const list = byId("crypto", HTMLDListElement);
  const lines = crypto.map(({ method, provider }) => [provider, method]);
  if (clockSkewSeconds !== undefined) {
    lines.push([`${clockSkewSeconds} s`, "apart from a client's clock"]);
  }
  if (lines.length === 0) lines.push(["–", "no method in use"]);
  const text = JSON.stringify(lines);
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(
    ...lines.flatMap((
      [term, more],
    ) => [make("dt", "", term!), make("dd", "", more!)]),
  );
}

/** What there is to say of UDP; what is wrong first. */
function udpNote({ traffic, associations, lostDatagrams }: Status): string {
  if (lostDatagrams > 0) return `${formatCount(lostDatagrams)} datagrams lost`;
  return associations.evicted === 0
    ? `${formatCount(traffic.packetsUp + traffic.packetsDown)} datagrams`
    : `${formatCount(associations.evicted)} made room`;
}

function show(id: string, text: string): void {
  setText(byId(id, HTMLElement), text);
}

function plus(a: number, b: number): number {
  return a + b;
}
