/**
 * What a file is that is no configuration of ours, and what to do with it.
 *
 * Security: nothing of the file is repeated; it may be a password as a whole.
 *
 * @module
 */
import { isClash, isSingBox } from "../../codec/foreign_outbounds.ts";
import { readSubscription } from "../../codec/ssr_uri.ts";

/**
 * Recognizes a file by its text.
 *
 * @returns A sentence that says what to do; `undefined` for what may be ours.
 */
export function foreignFile(text: string): string | undefined {
  const start = text.replace(/^\uFEFF/, "").trimStart();
  if (/^<(?:!doctype|html|head|body|\?xml)/i.test(start)) {
    return "an HTML page, not a configuration: what was saved is the page " +
      "about the file; download the file itself";
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

/** @param text May have comments: what has them is not another program's. */
function foreignJson(text: string): string | undefined {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    // The reader of configurations says what is wrong, and where.
    return undefined;
  }
  if (typeof document !== "object" || document === null) return undefined;
  if ("accessKeys" in document) {
    return "the keys of an Outline server: `umbra migrate FILE > server.json` " +
      "takes them over";
  }
  const { inbounds, outbounds } = document as Record<string, unknown>;
  if ([inbounds, outbounds].flat().some(isOfXray)) {
    return "a configuration of V2Ray or Xray, which is not read here: give the " +
      "ss:// link of its server";
  }
  if (isSingBox(document)) {
    return "a configuration of sing-box: `umbra convert FILE > config.json` " +
      "takes its Shadowsocks servers over";
  }
  return Array.isArray(inbounds)
    ? "a server's configuration of sing-box, which is not read here: write one " +
      "with the same port, method and password"
    : undefined;
}

/**
 * True for an outbound of Xray: it has a protocol where sing-box has a type.
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
