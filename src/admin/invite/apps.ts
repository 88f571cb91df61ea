/**
 * Apps that can import a connection, by system, with their download pages and
 * the links that open them.
 *
 * @module
 */
import { encodeBase64Url } from "../../codec/base64.ts";
import { isForOutline } from "../../codec/client_profile.ts";
import type { OnlineServer } from "../../codec/sip008.ts";
import { isPlain } from "./forms.ts";

/** The data for the link that opens an app. Secret. */
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
  /** True if the app supports the server; default: always true. */
  speaks?(server: OnlineServer): boolean;
  /**
   * Returns the link that opens the app; not set if the user must copy the link
   * into it.
   */
  open?(access: Access): string;
}

/** Systems, by their names, which are the same in every language. */
export const SYSTEMS = [
  "Android",
  "iPhone, iPad",
  "Windows",
  "macOS",
  "Linux",
] as const;

/** One of the systems. */
export type System = typeof SYSTEMS[number];

const DESKTOP: readonly System[] = ["Windows", "macOS", "Linux"];

/** The apps. For each system the easiest one comes first. */
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

function encoded(text: string): string {
  return encodeBase64Url(new TextEncoder().encode(text));
}
