/**
 * The servers of a local as rows of text, for the dashboard and `umbra top`.
 *
 * @module
 */
import type { UpstreamStatus } from "./operator.ts";
import { explain } from "./refusals.ts";
import { inEnglish, type Say, type TextKey } from "./texts/say.ts";
import { formatBytes, formatCount, formatDuration, formatMs } from "./units.ts";

/** The state of a server as a colour. */
export type UpstreamTone = "good" | "warn" | "bad" | "off";

/** One server. */
export interface UpstreamRow {
  readonly name: string;
  readonly address: string;
  /** The state in one or two words, with the time of the next attempt. */
  readonly tcp: string;
  readonly udp: string;
  readonly tcpTone: UpstreamTone;
  readonly udpTone: UpstreamTone;
  /** `in use`, `pinned`, or empty. */
  readonly role: string;
  /** Share of the bytes of all servers, in per cent. */
  readonly share: string;
  /** Milliseconds of connections, or of probes if there were none. */
  readonly time: string;
  readonly open: string;
  /** Bytes in both directions. */
  readonly bytes: string;
  /** The last failure in words; empty if there was none. */
  readonly failure: string;
}

/** Returns the rows, in the order of the configuration. */
export function upstreamRows(
  all: readonly UpstreamStatus[],
  nowUnixMs: number,
  say: Say = inEnglish,
): UpstreamRow[] {
  const bytesOf = (one: UpstreamStatus): number => one.bytesUp + one.bytesDown;
  const sum = all.reduce((sum, one) => sum + bytesOf(one), 0);
  return all.map((one) => {
    const { tcp, udp, pinned, selected } = one;
    const ms = tcp.connectMs ?? tcp.probeMs;
    return {
      name: one.name,
      address: one.address,
      tcp: stateText(tcp, nowUnixMs, say),
      udp: stateText(udp, nowUnixMs, say),
      tcpTone: TONES[tcp.state],
      udpTone: TONES[udp.state],
      role: pinned
        ? say("server-pinned")
        : selected
        ? say("server-in-use")
        : "",
      share: sum === 0 ? "–" : `${Math.round(bytesOf(one) / sum * 100)} %`,
      time: ms === undefined ? "–" : formatMs(ms),
      open: formatCount(one.open),
      bytes: formatBytes(bytesOf(one)),
      failure: failureText(tcp.lastErrorCode, say),
    };
  });
}

/** Texts for servers where the texts for targets would be wrong. */
const FAILURES: Readonly<Record<string, TextKey>> = {
  ERR_NET_REFUSED: "failure-refused",
  ERR_NET_TIMEOUT: "failure-silent",
  ERR_NET_UNREACHABLE: "failure-no-route",
  ERR_NET_HOST_UNREACHABLE: "failure-host",
  ERR_NET_NAME_NOT_FOUND: "failure-name",
};

/** Returns why a server or a resolver failed; empty if it has not. */
export function failureText(
  code: string | undefined,
  say: Say = inEnglish,
): string {
  if (code === undefined) return "";
  const key = FAILURES[code];
  return key === undefined ? explain(code, say).title : say(key);
}

type Health = UpstreamStatus["tcp"];

const TONES: Readonly<Record<Health["state"], UpstreamTone>> = {
  up: "good",
  suspect: "warn",
  down: "bad",
  disabled: "off",
};

const WORDS: Readonly<Record<Health["state"], TextKey>> = {
  up: "server-up",
  suspect: "server-suspect",
  down: "server-down",
  disabled: "server-off",
};

function stateText(
  { state, nextTryUnixMs }: Health,
  nowUnixMs: number,
  say: Say,
): string {
  if (state !== "down" || nextTryUnixMs === undefined) return say(WORDS[state]);
  const leftMs = Math.max(0, nextTryUnixMs - nowUnixMs);
  return say("server-down-until", { time: formatDuration(leftMs, say) });
}
