/**
 * Who may ask the operator's port: the rules every request meets before it
 * meets its route.
 *
 * Against web pages that the operator's browser shows: a page of another origin
 * is recognised by `Origin` and `Sec-Fetch-Site`, one that has renamed itself to our
 * address (DNS rebinding) by `Host`, a form by its content type. No header ever
 * allows another origin (CORS).
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { formatIp, isUnspecified, parseIp } from "../codec/ip_address.ts";
import { ConfigError } from "../errors.ts";
import { MAX_WRONG_TOKENS, WRONG_TOKEN_WINDOW_MS } from "../limits.ts";
import type { Logger } from "../observe.ts";
import type { Endpoint } from "../transport.ts";
import { isLoopback } from "../codec/loopback.ts";
import { failure, failureWith } from "./replies.ts";
import type { Access } from "./router.ts";
import { TokenCheck } from "./token_check.ts";

/** The address of the port, and what it demands. */
export interface GuardSettings {
  /** The host; not set for a unix socket. */
  readonly host?: string | undefined;
  /** Names under which it may be asked for besides. */
  readonly names?: readonly string[] | undefined;
  /** The token; not set: none is demanded. */
  readonly token?: string | undefined;
}

/** Characters a token must have; `umbra genkey` makes longer ones. */
const MIN_TOKEN_LENGTH = 16;

/** The rules of one port. */
export class Guard {
  readonly #host: string;
  readonly #names: ReadonlySet<string>;
  readonly #token: TokenCheck | undefined;
  readonly #logger: Logger;

  /**
   * Makes rules of settings.
   *
   * @throws {ConfigError} `ERR_CONFIG_VALUE` when others than this machine
   * could reach the port without a token, or the token is easy to guess.
   */
  constructor(
    { host = "localhost", names = [], token }: GuardSettings,
    { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
  ) {
    if (token === undefined && !isLoopback(host)) {
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        `--admin on ${host} can be reached from elsewhere, so it needs a ` +
          "token: give --admin-token-file, or listen on 127.0.0.1",
      );
    }
    if (token === undefined && names.length > 0) {
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        "--admin-host means that others can reach the port through a proxy, " +
          "so it needs a token: give --admin-token-file",
      );
    }
    if (token !== undefined && !isStrong(token)) {
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        `The token of --admin is not ${MIN_TOKEN_LENGTH} or more printable ` +
          "characters without a space: `umbra genkey aes-256-gcm` makes one",
      );
    }
    this.#host = canonical(host);
    this.#names = new Set(names.map(canonical));
    this.#token = token === undefined
      ? undefined
      : new TokenCheck(token, clock);
    this.#logger = logger;
  }

  /**
   * Judges a request.
   *
   * @param peer Not set for a unix socket.
   * @returns The refusal, or `undefined` when there is nothing against it.
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

  /** A name that was not configured cannot be ours, whatever it resolves to. */
  #isOurs(host: string): boolean {
    return isLoopback(host) || host === this.#host || this.#names.has(host) ||
      (isUnspecified(this.#host) && parseIp(host) !== undefined);
  }

  #refuseToken(
    authorization: string | null,
    peer: Endpoint | undefined,
  ): Response | undefined {
    const from = peer?.host ?? "a unix socket";
    switch (this.#token?.check(authorization, from)) {
      case "missing":
        return failureWith(401, "A token is needed", CHALLENGE);
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
          `${MAX_WRONG_TOKENS} wrong tokens came from there: try again later`,
          { "retry-after": String(WRONG_TOKEN_WINDOW_MS / 1_000) },
        );
      default:
        return undefined;
    }
  }
}

const CHALLENGE = { "www-authenticate": "Bearer" };

/** The host of `HOST:PORT`, without brackets; `undefined` when it is none. */
function hostOf(authority: string | null): string | undefined {
  const match = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::\d{1,5})?$/i
    .exec(authority ?? "");
  const host = match?.[1] ?? match?.[2];
  return host && canonical(host);
}

/** One form of the same host. */
function canonical(host: string): string {
  const ip = parseIp(host);
  return ip === undefined
    ? host.toLowerCase().replace(/\.$/, "")
    : formatIp(ip);
}

function isStrong(token: string): boolean {
  return token.length >= MIN_TOKEN_LENGTH && /^[\x21-\x7e]+$/.test(token);
}

/** Programs send neither header; browsers send at least one where it matters. */
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

/** A page can send other types than JSON to any origin without asking. */
function hasForeignType({ headers, body }: Request): boolean {
  const type = headers.get("content-type");
  if (type === null) return body !== null;
  return !/^application\/json\s*(?:;|$)/i.test(type);
}
