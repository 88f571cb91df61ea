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
  /** Time of the request in milliseconds since 1970. */
  readonly unixMs: number;
  readonly target: string;
  /** The address of the client, with its name if it has one. */
  readonly client: string;
  /** The name of the server, or a word for another route. */
  readonly way: string;
  readonly wayTone: UpstreamTone | "";
  /** The rule that decided. */
  readonly why: string;
  readonly down: string;
  readonly up: string;
  /** The outcome of the request, with its duration. */
  readonly end: string;
  readonly endTone: UpstreamTone | "";
  /** The words of the row in lower case, for a filter. */
  readonly words: string;
}

/** Returns the rows, in the order of the requests. */
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

/** Returns the route in words. */
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
