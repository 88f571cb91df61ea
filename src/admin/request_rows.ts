/**
 * The latest requests to a local as rows of text.
 *
 * @module
 */
import type { RecentRequest } from "./recent_requests.ts";
import { explain } from "./refusals.ts";
import { inEnglish, type Say } from "./texts/say.ts";
import { formatBytes, formatMs } from "./units.ts";
import type { UpstreamTone } from "./upstream_rows.ts";

/** One request. */
export interface RequestRow {
  /** Milliseconds since 1970 when the request was made. */
  readonly unixMs: number;
  readonly target: string;
  /** The client: address, and name where there is one. */
  readonly client: string;
  /** The server, or a word. */
  readonly way: string;
  readonly wayTone: UpstreamTone | "";
  /** The rule that has decided. */
  readonly why: string;
  readonly down: string;
  readonly up: string;
  /** The end of the request, with its time. */
  readonly end: string;
  readonly endTone: UpstreamTone | "";
  /** The words of the row in small letters, for a filter. */
  readonly words: string;
}

/** The rows, in the order of the requests. */
export function requestRows(
  requests: readonly RecentRequest[],
  say: Say = inEnglish,
): RequestRow[] {
  return requests.map((request) => {
    const { startedUnixMs, target, client, user, way = "", server } = request;
    const [to = "", why = "–"] = splitOnce(way, ": ");
    const shown = server ?? wayText(to === "" ? "proxy" : to, say);
    const end = endText(request, say);
    const row: Omit<RequestRow, "words"> = {
      unixMs: startedUnixMs,
      target,
      client: user === undefined ? client : `${user}, ${client}`,
      way: shown,
      wayTone: TONES[to] ?? "",
      why,
      down: formatBytes(request.bytesDown),
      up: formatBytes(request.bytesUp),
      end,
      endTone: toneOf(request),
    };
    const words = [target, row.client, shown, to, why, end].join(" ");
    return { ...row, words: words.toLowerCase() };
  });
}

/** What routes call a way, in words. */
export function wayText(way: string, say: Say = inEnglish): string {
  switch (way) {
    case "proxy":
      return say("way-proxy");
    case "direct":
      return say("way-direct");
    case "block":
      return say("way-block");
    default:
      return way;
  }
}

const TONES: Readonly<Record<string, UpstreamTone>> = {
  direct: "off",
  block: "bad",
};

function endText({ code, durationMs }: RecentRequest, say: Say): string {
  if (code !== undefined) return explain(code, say).title;
  return durationMs === undefined
    ? say("request-open")
    : say("request-done", { time: formatMs(durationMs) });
}

function toneOf({ code, durationMs }: RecentRequest): UpstreamTone | "" {
  if (code !== undefined) return "warn";
  return durationMs === undefined ? "good" : "";
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at < 0
    ? [text]
    : [text.slice(0, at), text.slice(at + separator.length)];
}
