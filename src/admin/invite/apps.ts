/**
 * Apps that take a connection, by system: where they are got, and the link with
 * which the page opens them.
 *
 * @module
 */
import { encodeBase64Url } from "../../codec/base64.ts";
import { isForOutline } from "../../codec/client_profile.ts";
import type { OnlineServer } from "../../codec/sip008.ts";

/** What an app can be opened with. Secret. */
export interface Access {
  /** `ss://` or `ssr://`. */
  readonly link: string;
  /** Address of the subscription: `http://` or `https://`. */
  readonly subscription: string;
  /** Name of the user. */
  readonly name: string;
  readonly server: OnlineServer;
}

/** An app. */
export interface App {
  readonly name: string;
  readonly systems: readonly System[];
  /** The page of the app. */
  readonly home: string;
  /** True if it can speak with the server; default: always. */
  speaks?(server: OnlineServer): boolean;
  /** The link that opens it; not set: it is given what is copied. */
  open?(access: Access): string;
}

/** Systems, by the names that they have in every language. */
export const SYSTEMS = [
  "Android",
  "iPhone, iPad",
  "Windows",
  "macOS",
  "Linux",
] as const;

/** One of them. */
export type System = typeof SYSTEMS[number];

const DESKTOP: readonly System[] = ["Windows", "macOS", "Linux"];

/** For each system the one that is easiest comes first. */
export const APPS: readonly App[] = [
  {
    name: "Shadowsocks",
    systems: ["Android"],
    home: "https://github.com/shadowsocks/shadowsocks-android/releases",
    speaks: isPlain,
    open: ({ link }) => link,
  },
  {
    name: "Shadowrocket",
    systems: ["iPhone, iPad"],
    home: "https://apps.apple.com/app/shadowrocket/id932747118",
    open: ({ subscription, name }) =>
      `sub://${encoded(subscription)}#${encodeURIComponent(name)}`,
  },
  {
    name: "Outline",
    systems: ["Android", "iPhone, iPad", ...DESKTOP],
    home: "https://getoutline.org/",
    speaks: isForOutline,
    open: ({ link }) => link,
  },
  {
    name: "sing-box",
    systems: ["Android", "iPhone, iPad", "macOS"],
    home: "https://sing-box.sagernet.org/clients/",
    speaks: isPlain,
    open: ({ subscription, name }) =>
      `sing-box://import-remote-profile?url=${
        encodeURIComponent(subscription)
      }#${encodeURIComponent(name)}`,
  },
  {
    name: "v2rayNG",
    systems: ["Android"],
    home: "https://github.com/2dust/v2rayNG/releases",
    speaks: isPlain,
    open: ({ subscription, name }) =>
      `v2rayng://install-sub?url=${encodeURIComponent(subscription)}#${
        encodeURIComponent(name)
      }`,
  },
  {
    name: "Clash Verge",
    systems: DESKTOP,
    home: "https://github.com/clash-verge-rev/clash-verge-rev/releases",
    open: ({ subscription, name }) =>
      `clash://install-config?url=${encodeURIComponent(subscription)}&name=${
        encodeURIComponent(name)
      }`,
  },
  {
    name: "v2rayN",
    systems: DESKTOP,
    home: "https://github.com/2dust/v2rayN/releases",
    speaks: isPlain,
  },
];

function isPlain(server: OnlineServer): boolean {
  return !("ssr" in server);
}

function encoded(text: string): string {
  return encodeBase64Url(new TextEncoder().encode(text));
}
