/**
 * Fetches documents of bounded size over HTTPS.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { ConfigError, TransportError } from "../../errors.ts";
import {
  MAX_ONLINE_BYTES,
  MAX_ONLINE_REDIRECTS,
  ONLINE_TIMEOUT_MS,
} from "../../limits.ts";

/** Bounds of one fetch. */
export interface FetchOptions {
  /** Gives up early. */
  readonly signal?: AbortSignal;
  /** Milliseconds until it is complete; default 30,000. */
  readonly timeoutMs?: number;
  /** Bytes after decompression; default 1 MiB. */
  readonly maxBytes?: number;
  /** Types that are wanted; default: any. */
  readonly accept?: string;
}

/**
 * The text at an address. Redirections are followed to `https:` only.
 *
 * Security: the path of the address is taken for a secret, which no message
 * repeats.
 *
 * @throws {TransportError} When it cannot be fetched: also `ERR_NET_TIMEOUT`,
 * and `ERR_NET_OTHER` for a certificate that does not hold.
 * @throws {ConfigError} `ERR_ONLINE_CONFIG` when it is refused or too large.
 */
export async function fetchDocument(
  url: URL,
  options: FetchOptions = {},
): Promise<string> {
  const { bytes } = await fetchIfChanged(url, undefined, {
    accept: "application/json",
    ...options,
  });
  // Without a tag there is no answer without content.
  return decode(url, bytes!);
}

/** The answer of an address. */
export interface Fetched {
  /** The content; `undefined`: it is the one whose tag was given. */
  readonly bytes: Uint8Array | undefined;
  /** Names this content; `undefined` where the host has no such names. */
  readonly tag: string | undefined;
}

/**
 * The content at an address, as {@link fetchDocument} gets it, unless it is
 * known.
 *
 * @param tag Of the content that is known; RFC 9110 §8.8.3.
 * @throws {TransportError} As {@link fetchDocument}.
 * @throws {ConfigError} As {@link fetchDocument}.
 */
export async function fetchIfChanged(
  url: URL,
  tag: string | undefined,
  options: FetchOptions = {},
): Promise<Fetched> {
  const { signal, timeoutMs = ONLINE_TIMEOUT_MS } = options;
  const timeout = AbortSignal.timeout(timeoutMs);
  const either = signal ? AbortSignal.any([signal, timeout]) : timeout;
  try {
    const response = await follow(url, either, {
      "accept": options.accept ?? "*/*",
      "user-agent": "umbra",
      ...tag !== undefined && { "if-none-match": tag },
    });
    const bytes = response.status === NOT_MODIFIED
      ? undefined
      : await readBody(url, response, options.maxBytes);
    return { bytes, tag: response.headers.get("etag") ?? undefined };
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    if (signal?.aborted) throw signal.reason;
    throw timeout.aborted
      ? new TransportError(
        "ERR_NET_TIMEOUT",
        `Cannot fetch from ${url.host}: not complete after ${timeoutMs} ms`,
      )
      : new TransportError(
        "ERR_NET_OTHER",
        `Cannot fetch from ${url.host}: ${describe(error)}`,
      );
  }
}

/** Another password would be used than was published, if bytes were replaced. */
function decode(url: URL, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw refuse(url, "it is not UTF-8");
  }
}

/** The answer that is no redirection. */
async function follow(
  url: URL,
  signal: AbortSignal,
  headers: Record<string, string>,
): Promise<Response> {
  let next = url;
  for (let i = 0; i <= MAX_ONLINE_REDIRECTS; i++) {
    const response = await fetch(next, { headers, redirect: "manual", signal });
    if (response.ok) return response;
    await response.body?.cancel();
    const isKnown = response.status === NOT_MODIFIED &&
      headers["if-none-match"] !== undefined;
    if (isKnown) return response;
    const location = response.headers.get("location");
    if (response.status < 300 || response.status > 399 || !location) {
      throw refuse(url, `it answers ${response.status}`);
    }
    const target = URL.parse(location, next);
    if (target?.protocol !== "https:") {
      throw refuse(url, "it redirects to something that is not https");
    }
    next = target;
  }
  throw refuse(url, `it redirects more than ${MAX_ONLINE_REDIRECTS} times`);
}

const NOT_MODIFIED = 304;

async function readBody(
  url: URL,
  response: Response,
  maxBytes = MAX_ONLINE_BYTES,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop early cancels the body.
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > maxBytes) {
      throw refuse(url, `what it sends is larger than ${maxBytes} bytes`);
    }
    chunks.push(chunk);
  }
  return concat(...chunks);
}

function refuse(url: URL, why: string): ConfigError {
  return new ConfigError(
    "ERR_ONLINE_CONFIG",
    `Cannot fetch from ${url.host}: ${why}`,
  );
}

/**
 * The innermost cause, where Deno keeps the reason. The runtimes quote
 * addresses in their messages: hosts may stay.
 */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return describe(error.cause);
  return error.message.replace(/(https?:\/\/[^/\s)"']+)[^\s)"']*/g, "$1");
}
