/**
 * The formats of subscriptions, and which app gets which.
 *
 * @module
 */
import {
  clashProfile,
  isForClash,
  isForOutline,
  isForSingBox,
  outlineProfile,
  singBoxProfile,
} from "../../codec/client_profile.ts";
import { encodeBase64 } from "../../codec/base64.ts";
import type { OnlineServer } from "../../codec/sip008.ts";
import { parseSsrUri } from "../../codec/ssr_uri.ts";
import { parseServerUri } from "../../codec/uri.ts";
import { sip008Document } from "../sip008.ts";
import type { Invited } from "./secret_path.ts";

/** The data of a subscription. */
export interface Subscribed extends Invited {
  /** The servers of the links, in the same order; at least one. */
  readonly servers: readonly [OnlineServer, ...OnlineServer[]];
}

/** A format of subscriptions. */
export interface Form {
  /** Last segment of its path. */
  readonly id: string;
  /** The name for people. */
  readonly title: string;
  /** Content type. */
  readonly type: string;
  /** Names in `User-Agent` of the apps that get this format by default. */
  readonly agents: RegExp;
  /** True if the format can express the server. */
  holds(server: OnlineServer): boolean;
  write(subscribed: Subscribed): string;
}

/** All formats. If an agent matches two, the first one is used. */
export const FORMS: readonly Form[] = [
  {
    id: "links",
    title: "Base64",
    type: "text/plain; charset=utf-8",
    // Some of these apps also send the names of others.
    agents:
      /hiddify|v2ray|neko|shadowrocket|quantumult|surge|streisand|foxray|karing/i,
    holds: () => true,
    write: ({ uris }) =>
      encodeBase64(new TextEncoder().encode(`${uris.join("\n")}\n`)),
  },
  {
    id: "sip008",
    title: "SIP008",
    type: "application/json; charset=utf-8",
    agents: /shadowsocks|umbra|dalvik/i,
    holds: isPlain,
    write: (subscribed) => JSON.stringify(sip008Document(subscribed)),
  },
  {
    id: "clash",
    title: "Clash",
    type: "text/yaml; charset=utf-8",
    agents: /clash|mihomo|stash/i,
    holds: isForClash,
    write: ({ servers }) => clashProfile(...servers),
  },
  {
    id: "sing-box",
    title: "sing-box",
    type: "application/json; charset=utf-8",
    agents: /sing-box|\bSF[AIMT]\b/i,
    holds: isForSingBox,
    write: ({ servers }) => singBoxProfile(...servers),
  },
  {
    id: "outline",
    title: "Outline",
    type: "text/yaml; charset=utf-8",
    agents: /outline/i,
    holds: isForOutline,
    // The format can contain only one server.
    write: ({ servers: [first] }) => outlineProfile(first),
  },
];

/** The format for apps that are not known. */
export const USUAL_FORM: Form = FORMS[0]!;

/**
 * Returns the format for an app, by its `User-Agent`; `undefined` if the app is
 * not known.
 */
export function formOfAgent(agent: string): Form | undefined {
  return FORMS.find(({ agents }) => agents.test(agent));
}

/**
 * Returns the server of a link.
 *
 * @param mode The mode of the server, see `ServerStatus.mode`.
 * @returns `undefined` if the link is neither `ss://` nor `ssr://`.
 */
export function parseLink(uri: string, mode: string): OnlineServer | undefined {
  if (uri.startsWith("ssr://")) {
    const ssr = parseSsrUri(uri);
    const { host, port, tag } = ssr;
    return { host, port, ...tag !== undefined && { tag }, ssr };
  }
  if (!uri.startsWith("ss://")) return undefined;
  const { extra: _, ...server } = parseServerUri(uri);
  const alone = mode === "tcp_only" || mode === "udp_only";
  return { ...server, ...alone && { mode } };
}

export function isPlain(server: OnlineServer): boolean {
  return !("ssr" in server);
}
