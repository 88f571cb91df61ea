/**
 * Fetches documents of limited size over HTTPS.
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

/** The limits of one fetch. */
export interface FetchOptions {
  /** Aborts the fetch. */
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole fetch; default 30,000. */
  readonly timeoutMs?: number;
  /** Maximum of bytes after decompression; default 1 MiB. */
  readonly maxBytes?: number;
  /** Accepted media types; default: any. */
  readonly accept?: string;
}

/**
 * Fetches the text of an address. Redirections are followed to `https:` only.
 *
 * Security: the path of the address may be a secret, which no message repeats.
 *
 * @throws {TransportError} If the fetch fails: `ERR_NET_TIMEOUT`,
 * `ERR_NET_OTHER` also for an invalid certificate, and others.
 * @throws {ConfigError} `ERR_ONLINE_CONFIG` if the host refuses or the document
 * is too large.
 */
export async function fetchDocument(
  url: URL,
  options: FetchOptions = {},
): Promise<string> {
  const { bytes } = await fetchIfChanged(url, undefined, {
    accept: "application/json",
    ...options,
  });
  // A request without a tag always gets content.
  return decode(url, bytes!);
}

/** The answer of an address. */
export interface Fetched {
  /** The content; `undefined` if it is still the one with the given tag. */
  readonly bytes: Uint8Array | undefined;
  /** The tag of this content; `undefined` if the host sends none. */
  readonly tag: string | undefined;
}

/**
 * Fetches the content of an address like {@link fetchDocument}, unless its tag
 * is still the same.
 *
 * @param tag The tag of the known content; RFC 9110 §8.8.3.
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

/**
 * Decodes UTF-8. Replacing invalid bytes could change a password, so they are
 * an error.
 */
function decode(url: URL, bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw refuse(url, "the document is not UTF-8");
  }
}

/** Follows redirections to the final answer. */
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
      throw refuse(url, `the host answers ${response.status}`);
    }
    const target = URL.parse(location, next);
    if (target?.protocol !== "https:") {
      throw refuse(url, "the host redirects to an address without https");
    }
    next = target;
  }
  throw refuse(
    url,
    `the host redirects more than ${MAX_ONLINE_REDIRECTS} times`,
  );
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
      throw refuse(url, `the document is larger than ${maxBytes} bytes`);
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
 * Returns the message of the innermost cause, where Deno keeps the reason.
 * Addresses in the message are reduced to their hosts.
 */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.cause instanceof Error) return describe(error.cause);
  return error.message.replace(/(https?:\/\/[^/\s)"']+)[^\s)"']*/g, "$1");
}
