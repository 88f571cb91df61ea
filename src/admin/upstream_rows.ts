/**
 * The servers of a local as rows of text, for the dashboard and `umbra top`.
 *
 * @module
 */
import type { UpstreamStatus } from "./operator.ts";
import { explain } from "./refusals.ts";
import { formatBytes, formatCount, formatDuration, formatMs } from "./units.ts";

/** How a server is doing: for colours. */
export type UpstreamTone = "good" | "warn" | "bad" | "off";

/** One server. */
export interface UpstreamRow {
  readonly name: string;
  readonly address: string;
  /** One or two words, and the time of the next try. */
  readonly tcp: string;
  /** The same for UDP. */
  readonly udp: string;
  readonly tcpTone: UpstreamTone;
  readonly udpTone: UpstreamTone;
  /** `in use`, `pinned`, or empty. */
  readonly role: string;
  /** Percents of the bytes of all servers. */
  readonly share: string;
  /** Milliseconds of connects, or of probes where there were none. */
  readonly time: string;
  readonly open: string;
  /** Both directions. */
  readonly bytes: string;
  /** Why it failed last, in words; empty: it has not. */
  readonly failure: string;
}

/** The rows, in the order of the configuration. */
export function upstreamRows(
  all: readonly UpstreamStatus[],
  nowUnixMs: number,
): UpstreamRow[] {
  const bytesOf = (one: UpstreamStatus): number => one.bytesUp + one.bytesDown;
  const sum = all.reduce((sum, one) => sum + bytesOf(one), 0);
  return all.map((one) => {
    const { tcp, udp, pinned, selected } = one;
    const ms = tcp.connectMs ?? tcp.probeMs;
    return {
      name: one.name,
      address: one.address,
      tcp: stateText(tcp, nowUnixMs),
      udp: stateText(udp, nowUnixMs),
      tcpTone: TONES[tcp.state],
      udpTone: TONES[udp.state],
      role: pinned ? "pinned" : selected ? "in use" : "",
      share: sum === 0 ? "–" : `${Math.round(bytesOf(one) / sum * 100)} %`,
      time: ms === undefined ? "–" : formatMs(ms),
      open: formatCount(one.open),
      bytes: formatBytes(bytesOf(one)),
      failure: tcp.lastErrorCode === undefined
        ? ""
        : FAILURES[tcp.lastErrorCode] ?? explain(tcp.lastErrorCode).title,
    };
  });
}

/** What the words for targets would say wrongly of a server. */
const FAILURES: Readonly<Record<string, string>> = {
  ERR_NET_REFUSED: "Refused",
  ERR_NET_TIMEOUT: "Silent",
  ERR_NET_UNREACHABLE: "No route",
  ERR_NET_HOST_UNREACHABLE: "Host unreachable",
  ERR_NET_NAME_NOT_FOUND: "No such name",
};

type Health = UpstreamStatus["tcp"];

const TONES: Readonly<Record<Health["state"], UpstreamTone>> = {
  up: "good",
  suspect: "warn",
  down: "bad",
  disabled: "off",
};

const WORDS: Readonly<Record<Health["state"], string>> = {
  up: "up",
  suspect: "silent",
  down: "down",
  disabled: "off",
};

function stateText(
  { state, nextTryUnixMs }: Health,
  nowUnixMs: number,
): string {
  if (state !== "down" || nextTryUnixMs === undefined) return WORDS[state];
  const leftMs = Math.max(0, nextTryUnixMs - nowUnixMs);
  return `${WORDS[state]}, again in ${formatDuration(leftMs)}`;
}
