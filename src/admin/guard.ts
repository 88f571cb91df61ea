/**
 * The rules that every request to the operator's port must satisfy before it
 * reaches its route.
 *
 * The rules protect against web pages in the operator's browser: `Origin` and
 * `Sec-Fetch-Site` reveal a page of another origin, `Host` reveals a page that
 * has rebound its name to this address (DNS rebinding), and the content type
 * reveals a form. No header ever allows another origin (CORS).
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { formatIp, isUnspecified, parseIp } from "../codec/ip_address.ts";
import { badValue } from "../errors.ts";
import { MAX_WRONG_TOKENS, WRONG_TOKEN_WINDOW_MS } from "../limits.ts";
import type { Logger } from "../observe.ts";
import type { Endpoint } from "../transport.ts";
import { isLoopback } from "../codec/loopback.ts";
import { failure, failureWith } from "./replies.ts";
import type { Access } from "./router.ts";
import { tokenCheck } from "./token_check.ts";

/** The address of the port, and its requirements. */
export interface GuardSettings {
  /** The host; not set for a unix socket. */
  readonly host?: string | undefined;
  /** Other host names that requests may use. */
  readonly names?: readonly string[] | undefined;
  /** The token; not set if none is required. */
  readonly token?: string | undefined;
}

/**
 * Minimum length of a token in characters; `umbra genkey` makes longer ones.
 */
const MIN_TOKEN_LENGTH = 16;

/** The rules of one port. */
export class Guard {
  readonly #host: string;
  readonly #names: ReadonlySet<string>;
  readonly #token: ReturnType<typeof tokenCheck> | undefined;
  readonly #logger: Logger;

  /**
   * Makes the rules.
   *
   * @throws {ConfigError} `ERR_CONFIG_VALUE` if other machines could reach the
   * port without a token, or the token is easy to guess.
   */
  constructor(
    { host = "localhost", names = [], token }: GuardSettings,
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  ) {
    if (token === undefined && !isLoopback(host)) {
      throw badValue(
        `--admin on ${host} needs a token, because other machines can reach ` +
          "it: give --admin-token-file, or listen on 127.0.0.1",
      );
    }
    if (token === undefined && names.length > 0) {
      throw badValue(
        "--admin-host needs a token, because other machines can reach the " +
          "port through a proxy: give --admin-token-file",
      );
    }
    if (token !== undefined && !isStrong(token)) {
      throw badValue(
        `Invalid token of --admin: expected at least ${MIN_TOKEN_LENGTH} ` +
          "printable characters without spaces, for example from \`umbra " +
          "genkey aes-256-gcm\`",
      );
    }
    this.#host = canonical(host);
    this.#names = new Set(names.map(canonical));
    this.#token = token === undefined ? undefined : tokenCheck(token, clock);
    this.#logger = logger;
  }

  /**
   * Checks a request.
   *
   * @param peer The client; not set for a unix socket.
   * @returns The refusal, or `undefined` if the request is allowed.
   */
  refuse(
    request: Request,
    access: Access,
    peer: Endpoint | undefined,
  ): Response | undefined {
    if (access === "secret" || access === "health") return undefined;
    const { headers } = request;
    const authority = headers.get("host");
    const host = hostOf(authority);
    if (host === undefined || !this.#isOurs(host)) {
      return failure(
        403,
        "This port is not known by that Host: use its address, or name it " +
          "with --admin-host",
      );
    }
    if (access === "open") return undefined;
    if (!isSameOrigin(headers, authority!)) {
      return failure(403, "Requests from other origins are refused");
    }
    return this.#refuseToken(headers.get("authorization"), peer) ??
      (hasForeignType(request)
        ? failure(415, "The body must be application/json")
        : undefined);
  }

  /**
   * True for a configured host name; any other name is refused, whatever it
   * resolves to.
   */
  #isOurs(host: string): boolean {
    return isLoopback(host) || host === this.#host || this.#names.has(host) ||
      (isUnspecified(this.#host) && parseIp(host) !== undefined);
  }

  #refuseToken(
    authorization: string | null,
    peer: Endpoint | undefined,
  ): Response | undefined {
    const from = peer?.host ?? "a unix socket";
    switch (this.#token?.(authorization, from)) {
      case "missing":
        return failureWith(401, "A token is required", CHALLENGE);
      case "wrong":
        this.#logger.log("warn", "wrong token at the operator's port", {
          client: from,
        });
        return failureWith(401, "The token is wrong", CHALLENGE);
      case "repeated":
        return failureWith(401, "The token is still wrong", CHALLENGE);
      case "blocked":
        return failureWith(
          429,
          `${MAX_WRONG_TOKENS} wrong tokens from this address: try again later`,
          { "retry-after": String(WRONG_TOKEN_WINDOW_MS / 1_000) },
        );
      default:
        return undefined;
    }
  }
}

const CHALLENGE = { "www-authenticate": "Bearer" };

/**
 * Returns the host of `HOST:PORT`, without brackets; `undefined` if invalid.
 */
function hostOf(authority: string | null): string | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i
    .exec(authority ?? "");
  const host = match?.[1] ?? match?.[2];
  return host && canonical(host);
}

/** Returns one form for all spellings of a host. */
function canonical(host: string): string {
  const ip = parseIp(host);
  return ip === undefined
    ? host.toLowerCase().replace(/\.$/, "")
    : formatIp(ip);
}

function isStrong(token: string): boolean {
  return token.length >= MIN_TOKEN_LENGTH && /^[\x21-\x7e]+$/.test(token);
}

/**
 * True for a request of the same origin. Programs send neither header; browsers
 * send at least one where it matters.
 */
function isSameOrigin(headers: Headers, authority: string): boolean {
  const site = headers.get("sec-fetch-site");
  if (site !== null && site !== "same-origin" && site !== "none") return false;
  const origin = headers.get("origin");
  if (origin === null) return true;
  const scheme = /^https?:\/\//.exec(origin)?.[0];
  return scheme !== undefined && URL.canParse(origin) &&
    URL.canParse(scheme + authority) &&
    new URL(origin).host === new URL(scheme + authority).host;
}

/**
 * True for a body of another type than JSON, which a page can send to any
 * origin without a preflight request.
 */
function hasForeignType({ headers, body }: Request): boolean {
  const type = headers.get("content-type");
  if (type === null) return body !== null;
  return !/^application\/json\s*(?:;|$)/i.test(type);
}
