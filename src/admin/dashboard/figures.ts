/// <reference lib="dom" />
/**
 * The numbers at the top, and the health of the process.
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
import { say } from "./language.ts";
import { unit } from "./preferences.ts";
import { spark } from "./spark.ts";

/** The numbers of {@link Status} that are shown separately. */
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

  /** Shows the latest status. */
  draw(status: Status): void {
    const { traffic, connections, associations } = status;
    const { up, down } = this.#history.rate;
    show("now-down", formatRate(down, unit()));
    show(
      "total-down",
      say("in-all", { amount: formatBytes(traffic.bytesDown) }),
    );
    show("now-up", formatRate(up, unit()));
    show("total-up", say("in-all", { amount: formatBytes(traffic.bytesUp) }));
    show("now-open", formatCount(connections.open));
    show("limit-open", atMost(connections.limit));
    show("now-associations", formatCount(associations.open));
    show("evicted", udpNote(status));
    const recent = Object.values(status.recentRefusals);
    show("now-refused", formatCount(recent.reduce(plus, 0)));
    const refused = Object.values(status.refusals).reduce(plus, 0);
    show(
      "total-refused",
      say("refused-in-all", { count: formatCount(refused) }),
    );
    this.#drawUsers(status);
    this.#drawHealth(status);
    for (const draw of this.#sparks) draw();
  }

  #drawUsers({ users, role }: Status): void {
    byId("figure-users", HTMLElement).hidden = users.total === 0 &&
      role === "local";
    show("now-users", formatCount(users.connected));
    show("total-users", say("of-total", { count: formatCount(users.total) }));
  }

  #drawHealth(status: Status): void {
    const { dialMs, descriptors } = status;
    show("dial", dialMs.count === 0 ? "–" : formatMs(dialMs.p50));
    show(
      "dial-more",
      dialMs.count === 0 ? say("dial-none") : say("dial-more", {
        p90: formatMs(dialMs.p90),
        p99: formatMs(dialMs.p99),
      }),
    );
    show("lag", formatMs(status.eventLoopLagMs));
    show("memory", formatBytes(status.residentBytes));
    show("descriptors", descriptors ? formatCount(descriptors.open) : "–");
    show(
      "descriptors-more",
      descriptors ? atMost(descriptors.limit) : say("descriptors-unknown"),
    );
    drawCrypto(status);
    const { version, runtime, nowUnixMs, startedUnixMs } = status;
    show("version", say("version", { version, runtime }));
    show(
      "about",
      say("about", {
        role: say(ROLES[status.role]),
        time: formatDuration(nowUnixMs - startedUnixMs, say),
      }),
    );
  }
}

/** The texts for the two roles. */
export const ROLES = { server: "role-server", local: "role-local" } as const;

function atMost(limit: number): string {
  return say("at-most", { count: formatCount(limit) });
}

/** Shows every method in use, and the clock difference of clients. */
function drawCrypto({ crypto, clockSkewSeconds }: Status): void {
  const list = byId("crypto", HTMLDListElement);
  const lines = crypto.map(({ method, provider }) => [provider, method]);
  if (clockSkewSeconds !== undefined) {
    lines.push([say("seconds", { n: clockSkewSeconds }), say("clock-skew")]);
  }
  if (lines.length === 0) lines.push(["–", say("crypto-none")]);
  const text = JSON.stringify(lines);
  if (list.dataset.shown === text) return;
  list.dataset.shown = text;
  list.replaceChildren(
    ...lines.flatMap((
      [term, more],
    ) => [make("dt", "", term!), make("dd", "", more!)]),
  );
}

/** Returns the notes on UDP; problems come first. */
function udpNote({ traffic, associations, lostDatagrams }: Status): string {
  if (lostDatagrams > 0) {
    return say("datagrams-lost", { count: formatCount(lostDatagrams) });
  }
  return associations.evicted === 0
    ? say("datagrams", {
      count: formatCount(traffic.packetsUp + traffic.packetsDown),
    })
    : say("made-room", { count: formatCount(associations.evicted) });
}

function show(id: string, text: string): void {
  setText(byId(id, HTMLElement), text);
}

function plus(a: number, b: number): number {
  return a + b;
}
