/**
 * The PAC file that a local serves on its own port, for browsers and systems
 * that are configured with its URL.
 *
 * Security: a web page may request the file, but can neither read it nor run it
 * as a script, because the browser refuses its type. Requests for a foreign
 * host name (DNS rebinding) are not answered.
 *
 * @module
 */
import { concat, equalBytes, toLatin1 } from "../../bytes.ts";
import {
  encodeHead,
  fieldValues,
  type HttpRequestHead,
} from "../../codec/http_head.ts";
import { parseIp } from "../../codec/ip_address.ts";
import { isLoopback } from "../../codec/loopback.ts";
import { deriveSecret } from "../../crypto/derived_secret.ts";
import { pacOf } from "../../routes/pac.ts";
import { RouteTable } from "../../routes/route_table.ts";
import type { LocalRoutes } from "../routing/rule_router.ts";

/** A user of the local. */
export interface PacUser {
  /** The name of the user. */
  readonly username: string;
  /** The password of the user. */
  readonly password: string;
}

/** How the PAC file is served. */
export interface PacSettings {
  /** True to serve it to other machines as well; default: false. */
  readonly everywhere: boolean;
  /** True to let programs connect directly if the proxy does not answer. */
  readonly fallback: boolean;
}

/** The default. */
export const PAC_DEFAULTS: PacSettings = { everywhere: false, fallback: false };

/**
 * The path. `?full` includes all rules; `?t=SECRET` or `?full&t=SECRET` is for
 * locals with users.
 */
const PATH = /^\/proxy\.pac(?:\?(full)|\?(?:(full)&)?t=([\w-]+))?$/;

/**
 * Returns the secret in the file's URL if users need a password. It allows
 * access to the file and does not reveal a password.
 */
export function pacSecret(users: readonly PacUser[]): string | undefined {
  if (users.length === 0) return undefined;
  const text = JSON.stringify(
    users.map(({ username, password }) => [username, password]),
  );
  return deriveSecret(text, "umbra 2026-11-26 secret of a PAC file")
    .slice(0, 16).toBase64({ alphabet: "base64url", omitPadding: true });
}

/** A table without rules. */
const NO_ROUTES = new RouteTable([], { to: "proxy", place: "default" });

/**
 * Answers a request for the file; returns `undefined` for any other request.
 */
export type ServePac = (head: HttpRequestHead) => Uint8Array | undefined;

/**
 * Makes the server of the PAC file.
 *
 * @param listening The local's address and users.
 * @returns `undefined` if the file is not served.
 */
export function pacServer(
  { host, users }: {
    readonly host: string;
    readonly users: readonly PacUser[];
  },
  settings: PacSettings,
  routes: () => LocalRoutes | undefined,
): ServePac | undefined {
  if (!settings.everywhere && !isLoopback(host)) return undefined;
  const secret = pacSecret(users);
  let made: Made | undefined;
  return ({ method, target, fields }) => {
    const path = PATH.exec(target);
    if (path === null || method !== "GET" && method !== "HEAD") {
      return undefined;
    }
    const [, all = path[2], , asked] = path;
    if (!equalBytes(toLatin1(asked ?? ""), toLatin1(secret ?? ""))) {
      return undefined;
    }
    const [proxy, second] = fieldValues(fields, "host");
    if (proxy === undefined || second !== undefined || !isOurs(proxy)) {
      return undefined;
    }
    const { table = NO_ROUTES, resolve = "never" } = routes() ?? {};
    const key = `${proxy} ${all}`;
    if (made?.table !== table || made.key !== key) {
      const text = pacOf(table, {
        proxy,
        full: all !== undefined,
        fallback: settings.fallback,
        resolves: resolve !== "never",
      });
      made = { table, key, body: toLatin1(text), tag: tagOf(text) };
    }
    const { body, tag } = made;
    const isKnown = fieldValues(fields, "if-none-match")
      .some((tags) => tags.includes(tag));
    return isKnown
      ? encode("304 Not Modified", tag, body.length)
      : method === "HEAD"
      ? encode("200 OK", tag, body.length)
      : concat(encode("200 OK", tag, body.length), body);
  };
}

/**
 * The last file, which is kept because making one of many rules takes a while.
 */
interface Made {
  readonly table: RouteTable;
  readonly key: string;
  readonly body: Uint8Array;
  readonly tag: string;
}

/**
 * True for an address or `localhost`. Another name may be controlled by an
 * attacker and resolve to this machine.
 */
function isOurs(authority: string): boolean {
  const [, ipv6, host = ""] =
    /^(?:\[([^\]]+)\]|([^:]+)):\d+$/.exec(authority) ??
      [];
  return ipv6 !== undefined
    ? parseIp(ipv6) !== undefined
    : host.toLowerCase() === "localhost" || parseIp(host) !== undefined;
}

function encode(status: string, tag: string, length: number): Uint8Array {
  return encodeHead(`HTTP/1.1 ${status}`, [
    ["Content-Type", "application/x-ns-proxy-autoconfig"],
    ["Content-Length", String(length)],
    ["Cache-Control", "no-cache"],
    ["ETag", tag],
    ["X-Content-Type-Options", "nosniff"],
    ["Cross-Origin-Resource-Policy", "same-origin"],
    ["Connection", "close"],
  ]);
}

function tagOf(text: string): string {
  const digest = deriveSecret(
    text,
    "umbra 2026-11-26 entity tag of a PAC file",
  );
  return `"${digest.slice(0, 8).toHex()}"`;
}
