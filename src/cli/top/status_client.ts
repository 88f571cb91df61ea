/**
 * Asks the operator's port of a running program how it is, and for changes.
 *
 * Over `node:http`, which speaks to unix sockets on both runtimes.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request } from "node:http";
import { request as requestSecurely } from "node:https";
import { isIP } from "node:net";
import {
  checkServerIdentity,
  type PeerCertificate,
  rootCertificates,
} from "node:tls";
import type { Status } from "../../admin/operator.ts";
import { FIRST_PAGE, formatPage } from "../../admin/user_page.ts";
import { formatAddress } from "../../codec/address.ts";
import { ConfigError, TransportError } from "../../errors.ts";
import {
  MAX_STATUS_LENGTH,
  MAX_USER_PAGE,
  STATUS_TIMEOUT_MS,
} from "../../limits.ts";
import { type AdminAddress, formatAdminAddress } from "../settings/program.ts";

/** The address and token of an operator's port. */
export interface StatusSource {
  readonly address: AdminAddress;
  /** Not set: the port wants none. Never logged. */
  readonly token?: string | undefined;
  /** Not set: without TLS. */
  readonly secure?: SecureSource | undefined;
}

/** What the port proves itself by. */
export interface SecureSource {
  /** The name in its certificate, whatever it is reached by. */
  readonly serverName: string;
  /** PEM; those that the system trusts, and what its own file has. */
  readonly authorities: readonly string[];
}

/**
 * How to check a port that has the certificate of a file.
 *
 * @param path `--admin-cert`; not set: the port has none.
 * @throws {ConfigError} `ERR_CONFIG_FILE`.
 */
export function secureSource(
  path: string | undefined,
): SecureSource | undefined {
  if (path === undefined) return undefined;
  try {
    const text = readFileSync(path, "utf8");
    const { subjectAltName = "" } = new X509Certificate(text);
    const [, serverName = "localhost"] =
      /(?:DNS|IP Address):([^,\s]+)/.exec(subjectAltName) ?? [];
    return { serverName, authorities: [...rootCertificates, text] };
  } catch (cause) {
    throw new ConfigError(
      "ERR_CONFIG_FILE",
      `Cannot use ${path}: expected the certificate of the operator's port, ` +
        "in PEM",
      { cause },
    );
  }
}

/**
 * Everything there is to see, now; of users, as many as fit into one status.
 *
 * @param sort Column of those who come first.
 * @throws {TransportError} `ERR_NET_*` when there is no answer, or not one of Umbra.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` when a token is wanted and ours is
 * none, or not the right one.
 */
export async function fetchStatus(
  source: StatusSource,
  sort: string = FIRST_PAGE.sort,
): Promise<Status> {
  const page = { ...FIRST_PAGE, sort, limit: MAX_USER_PAGE };
  const path = `/api/status?${formatPage(page)}`;
  const { status, body } = await askAdmin(source, "GET", path);
  const value = status === 200 ? parse(body) : undefined;
  if (value !== undefined) return value;
  throw new TransportError(
    "ERR_NET_OTHER",
    `${formatAdminAddress(source.address)} answers ${status}, not like the ` +
      "operator's port of Umbra",
  );
}

/** The answer of the port. */
export interface AdminAnswer {
  /** The status of HTTP; never 401. */
  readonly status: number;
  readonly body: string;
}

/**
 * Asks for anything.
 *
 * @param body Sent as JSON; not set: none.
 * @throws {TransportError} When there is no answer.
 * @throws {ConfigError} As {@link fetchStatus}.
 */
export async function askAdmin(
  source: StatusSource,
  method: string,
  path: string,
  body?: unknown,
): Promise<AdminAnswer> {
  const where = formatAdminAddress(source.address);
  const answer = await send(source, method, path, body).catch((error) => {
    throw unreachable(where, error);
  });
  if (answer.status !== 401) return answer;
  throw new ConfigError(
    "ERR_CONFIG_VALUE",
    source.token === undefined
      ? `${where} wants a token: give --admin-token-file FILE`
      : `${where} refuses the token of --admin-token-file`,
  );
}

function send(
  { address, token, secure }: StatusSource,
  method: string,
  path: string,
  body: unknown,
): Promise<AdminAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>();
  // Deno throws what it was not granted, at once.
  const asked = (secure === undefined ? request : requestSecurely)({
    ..."path" in address
      ? { socketPath: address.path }
      : { host: address.host, port: address.port },
    ...secure && tlsOptions(secure),
    method,
    path,
    agent: false,
    headers: {
      host: "path" in address ? "localhost" : formatAddress(address),
      ...token !== undefined && { authorization: `Bearer ${token}` },
      ...body !== undefined && { "content-type": "application/json" },
    },
    signal: AbortSignal.timeout(STATUS_TIMEOUT_MS),
  }, (response) => readAll(response).then(resolve, reject));
  asked.once("error", reject);
  asked.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}

/** Of an IP address no name is sent: RFC 6066 §3. */
function tlsOptions(
  { serverName, authorities }: SecureSource,
): Record<string, unknown> {
  return {
    ca: authorities,
    ...isIP(serverName) === 0 && { servername: serverName },
    checkServerIdentity: (_host: string, peer: PeerCertificate) =>
      checkServerIdentity(serverName, peer),
  };
}

async function readAll(response: IncomingMessage): Promise<AdminAnswer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response) {
    length += part.length;
    if (length > MAX_STATUS_LENGTH) throw new Error("the answer has no end");
    parts.push(part);
  }
  const body = Buffer.concat(parts).toString("utf8");
  return { status: response.statusCode!, body };
}

/** `undefined` for what is no status. */
function parse(body: string): Status | undefined {
  try {
    const value = JSON.parse(body);
    return Array.isArray(value?.servers) ? value : undefined;
  } catch {
    return undefined;
  }
}

function unreachable(where: string, error: unknown): TransportError {
  const { code, name, message } = error as NodeJS.ErrnoException;
  const prefix = `Cannot reach the operator's port at ${where}: `;
  const make = (
    kind: TransportError["code"],
    text: string,
  ): TransportError =>
    new TransportError(kind, prefix + text, { cause: error });
  switch (code ?? name) {
    case "ECONNREFUSED":
    case "ConnectionRefused":
    case "ENOENT":
      return make(
        "ERR_NET_REFUSED",
        "no program listens; does yours run with --admin?",
      );
    case "ENOTFOUND":
      return make("ERR_NET_NAME_NOT_FOUND", "there is no such name");
    case "ABORT_ERR":
    case "TimeoutError":
      return make("ERR_NET_TIMEOUT", "no answer in time");
    case "EACCES":
      return make("ERR_NET_PERMISSION", "permission denied");
    case "NotCapable":
      return make(
        "ERR_NET_PERMISSION",
        "Deno was not granted it; a unix socket needs --allow-read and " +
          "--allow-write, another address --allow-net",
      );
    default:
      return make("ERR_NET_OTHER", message);
  }
}
