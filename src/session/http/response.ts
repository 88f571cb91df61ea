/**
 * Converts a target's response for the client, and makes the proxy's own
 * answers; without I/O.
 *
 * Source: RFC 9110 §6.4.1, §15; RFC 9112 §6.3, §9.3.
 *
 * @module
 */
import { concat, toLatin1 } from "../../bytes.ts";
import {
  type HttpFraming,
  NO_BODY,
  type ResponseFraming,
  responseFraming,
} from "../../codec/http_body.ts";
import {
  encodeHead,
  fieldValues,
  type HttpField,
  type HttpResponseHead,
} from "../../codec/http_head.ts";
import { type ErrorCode, ProtocolError } from "../../errors.ts";
import {
  endToEnd,
  framingFields,
  hasBody,
  type HttpForward,
  keepsAlive,
} from "./request.ts";

/** A response for the client. */
export interface ProxyResponse {
  /** True for 1xx: another response follows. */
  readonly interim: boolean;
  /** True for 101: another protocol follows in both directions. */
  readonly switches: boolean;
  /** The framing of the target's body. */
  readonly framing: HttpFraming;
  /** The framing of the body to the client. */
  readonly clientFraming: HttpFraming;
  /** True if the target keeps its connection open. */
  readonly targetKeepsAlive: boolean;
  /** True if the client can use its connection again. */
  readonly clientKeepsAlive: boolean;
  /** The head for the client. */
  readonly head: Uint8Array;
}

/**
 * Reads a target's response.
 *
 * A body that ends with the connection is sent to the client in chunks, if the
 * client supports them, so that it can distinguish the end from a failure.
 *
 * @param requestSent True if the target has the whole request; otherwise,
 * neither connection can be used again.
 * @throws {ProtocolError} `ERR_HTTP_FRAMING`; `ERR_HTTP_MALFORMED` for an
 * upgrade that was not requested.
 */
export function readProxyResponse(
  head: HttpResponseHead,
  request: HttpForward,
  requestSent: boolean,
): ProxyResponse {
  const { status, fields } = head;
  const switches = status === 101;
  if (switches && !request.upgrades) {
    throw new ProtocolError(
      "ERR_HTTP_MALFORMED",
      "Cannot forward HTTP response: target sent an unrequested upgrade",
    );
  }
  const interim = status < 200 && !switches;
  const bodiless = status < 200 || status === 204 || status === 304 ||
    request.method === "HEAD";
  const { framing: announced, codings, doubtful } = bodiless
    ? lengthWithoutBody(fields)
    : responseFraming(fields, head.minorVersion);
  const framing = bodiless ? NO_BODY : announced ?? { kind: "close" };
  if (codings.length > 0 && request.minorVersion === 0) {
    throw new ProtocolError(
      "ERR_HTTP_FRAMING",
      "Cannot forward HTTP response: client supports no transfer codings",
    );
  }
  const clientFraming: HttpFraming = request.minorVersion === 0
    ? framing.kind === "chunked" ? { kind: "close" } : framing
    : framing.kind === "close"
    ? { kind: "chunked" }
    : framing;
  const clientKeepsAlive = request.keepAlive && requestSent &&
    clientFraming.kind !== "close";
  // Without a body, Content-Length is the length of the body that GET would
  // have.
  const tellsLength = status === 304 || request.method === "HEAD" && !interim;
  const passed = endToEnd(fields).filter(([name]) =>
    name.toLowerCase() !== "content-length"
  );
  const shown = tellsLength && announced?.kind === "length"
    ? announced
    : clientFraming;
  const connection = switches
    ? switchFields(fields)
    : interim
    ? []
    : connectionFields(clientKeepsAlive, request.minorVersion);
  return {
    interim,
    switches,
    framing,
    clientFraming,
    targetKeepsAlive: requestSent && framing.kind !== "close" && !doubtful &&
      !head.repaired && keepsAlive(fields, head.minorVersion),
    clientKeepsAlive,
    head: encodeHead(
      `HTTP/1.1 ${status} ${head.reason}`,
      [...passed, ...framingFields(shown, codings), ...connection],
    ),
  };
}

/**
 * Ignores an invalid length of a response without a body, where it is only
 * informative.
 */
function lengthWithoutBody(fields: readonly HttpField[]): ResponseFraming {
  const [length, second] = fieldValues(fields, "content-length");
  const told = second === undefined && /^\d{1,15}$/.test(length ?? "");
  return {
    framing: told ? { kind: "length", length: Number(length) } : undefined,
    codings: [],
    doubtful: false,
  };
}

/** Returns the fields of an accepted upgrade. */
function switchFields(fields: readonly HttpField[]): HttpField[] {
  const protocols = fieldValues(fields, "upgrade").join(", ");
  return [["Connection", "Upgrade"], ["Upgrade", protocols]];
}

/** Statuses of the proxy's own answers. */
const STATUS: Readonly<Record<number, string>> = {
  400: "Bad Request",
  403: "Forbidden",
  407: "Proxy Authentication Required",
  431: "Request Header Fields Too Large",
  502: "Bad Gateway",
  504: "Gateway Timeout",
  505: "HTTP Version Not Supported",
};

/**
 * Explanations of statuses. They name the program, because a browser shows them
 * like any page.
 */
const EXPLAINED: Readonly<Record<number, string>> = {
  403: "ss-local: the connection is not allowed; the log has the reason.\n",
  502: "ss-local: server or target did not answer; the log has the reason.\n",
  504: "ss-local: server or target did not answer in time.\n",
};

/** The explanation if the target's response cannot be forwarded. */
const NONSENSE =
  "ss-local: the target's response is invalid; the log has the reason.\n";

/** The answer to a successful CONNECT; payload follows it. */
export const CONNECTED: Uint8Array = toLatin1(
  "HTTP/1.1 200 Connection established\r\n\r\n",
);

/**
 * Returns the status for an error of the client, or of the way to the target.
 */
export function statusOf(code: ErrorCode): number {
  switch (code) {
    case "ERR_HTTP_AUTHENTICATION":
      return 407;
    case "ERR_POLICY_TARGET":
    case "ERR_ROUTE_BLOCKED":
    case "ERR_NET_PERMISSION":
      return 403;
    case "ERR_NET_TIMEOUT":
    case "ERR_NET_IDLE":
      return 504;
    default:
      return 502;
  }
}

/** Returns the status for a request that cannot be parsed. */
export function requestErrorStatus(code: ErrorCode): number {
  switch (code) {
    case "ERR_HTTP_VERSION":
      return 505;
    case "ERR_HTTP_TOO_LARGE":
      return 431;
    default:
      return 400;
  }
}

/** The options of an answer. */
export interface AnswerOptions {
  /** True if the connection can be used again. */
  readonly keepAlive: boolean;
  /** The minor version of the request; 1 if it could not be parsed. */
  readonly minorVersion?: 0 | 1;
  /** The method of the request; HEAD gets no body. */
  readonly method?: string;
  /** True if the target has sent a response. */
  readonly heard?: boolean;
}

/** Makes a complete answer of the proxy. */
export function encodeAnswer(
  status: number,
  { keepAlive, minorVersion = 1, method, heard = false }: AnswerOptions,
): Uint8Array {
  const line = `${status} ${STATUS[status]}`;
  const why = status === 502 && heard ? NONSENSE : EXPLAINED[status] ?? "";
  const body = `${line}\n${why}`;
  const fields: HttpField[] = [
    ["Content-Type", "text/plain"],
    ["Content-Length", String(body.length)],
    ...connectionFields(keepAlive, minorVersion),
  ];
  if (status === 407) {
    fields.push(["Proxy-Authenticate", 'Basic realm="proxy", charset="UTF-8"']);
  }
  const head = encodeHead(`HTTP/1.1 ${line}`, fields);
  if (method === "HEAD") return head;
  return concat(head, toLatin1(body));
}

function connectionFields(
  keepAlive: boolean,
  minorVersion: 0 | 1,
): HttpField[] {
  if (!keepAlive) return [["Connection", "close"]];
  return minorVersion === 0 ? [["Connection", "keep-alive"]] : [];
}

/** True if a request may be repeated. RFC 9110 §9.2.2. */
export function isRepeatable({ method, framing }: HttpForward): boolean {
  return !hasBody(framing) && ["GET", "HEAD", "OPTIONS"].includes(method);
}
