/**
 * Recognizes files of other programs, and says what to do with them.
 *
 * Security: messages repeat nothing of the file, which may be a password as a
 * whole.
 *
 * @module
 */
import { isClash, isSingBox } from "../../codec/foreign_outbounds.ts";
import { readSubscription } from "../../codec/ssr_uri.ts";

/**
 * Recognizes a file by its text.
 *
 * @returns A sentence that says what to do; `undefined` if the file may be a
 * configuration of Umbra.
 */
export function foreignFile(text: string): string | undefined {
  const start = text.replace(/^\uFEFF/, "").trimStart();
  if (/^<(?:!doctype|html|head|body|\?xml)/i.test(start)) {
    return "an HTML page, not a configuration: probably the page about the file " +
      "was saved; download the file itself";
  }
  const scheme = /^([a-z][a-z\d+.-]*):\/\//i.exec(start)?.[1]?.toLowerCase();
  if (scheme !== undefined) return LINKS[scheme] ?? OTHER_LINK;
  if (start.startsWith("{") || start.startsWith("[")) return foreignJson(start);
  if (isClash(start)) {
    return "a configuration of Clash: `umbra convert FILE > config.json` takes " +
      "its Shadowsocks servers over";
  }
  if (/^(?:services|keys):/m.test(start)) {
    return "a configuration of outline-ss-server: `umbra migrate` reads the " +
      "shadowbox_config.json beside it";
  }
  const [link] = readSubscription(start) ?? [];
  return link === undefined
    ? undefined
    : "a subscription: `umbra convert FILE > config.json` takes its servers over";
}

/**
 * @param text The text. A text with comments is not recognized as a file of
 * another program.
 */
function foreignJson(text: string): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The parser of configurations reports the mistake with its place.
    return undefined;
  }
  if (typeof document !== "object" || document === null) return undefined;
  if ("accessKeys" in document) {
    return "the keys of an Outline server: `umbra migrate FILE > server.json` " +
      "takes them over";
  }
  const { inbounds, outbounds } = document as Record<string, unknown>;
  if ([inbounds, outbounds].flat().some(isOfXray)) {
    return "a configuration of V2Ray or Xray, which is not supported: give the " +
      "ss:// link of its server";
  }
  if (isSingBox(document)) {
    return "a configuration of sing-box: `umbra convert FILE > config.json` " +
      "takes its Shadowsocks servers over";
  }
  return Array.isArray(inbounds)
    ? "a server's configuration of sing-box, which is not supported: write one " +
      "with the same port, method and password"
    : undefined;
}

/**
 * True for an outbound of Xray, which has `protocol` instead of the `type` of
 * sing-box.
 */
function isOfXray(entry: unknown): boolean {
  return typeof entry === "object" && entry !== null && "protocol" in entry;
}

const SHADOWSOCKS_LINK =
  "a link, not a configuration: give the link itself to `umbra local`, in " +
  "quotes, or `umbra convert FILE > config.json` makes a configuration of it";

const OTHER_LINK =
  "a link of another protocol, not a configuration of Shadowsocks: ask for an " +
  "ss:// link";

const LINKS: Readonly<Record<string, string>> = {
  ss: SHADOWSOCKS_LINK,
  ssr: SHADOWSOCKS_LINK,
  http: "a web address, not a configuration: give it to `umbra local` itself",
  https: "a web address, not a configuration: give it to `umbra local` itself",
};
