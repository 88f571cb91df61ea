/**
 * Requests the status of a running program from its operator's port, and
 * changes to it.
 *
 * `node:http` is used because it supports unix sockets on both runtimes.
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
import {
  badValue,
  ConfigError,
  TransportError,
  type TransportErrorCode,
} from "../../errors.ts";
import {
  MAX_STATUS_LENGTH,
  MAX_USER_PAGE,
  STATUS_TIMEOUT_MS,
} from "../../limits.ts";
import { type AdminAddress, formatAdminAddress } from "../settings/program.ts";

/** The address and token of an operator's port. */
export interface StatusSource {
  readonly address: AdminAddress;
  /** Not set if the port needs none. Secret; must not be logged. */
  readonly token?: string | undefined;
  /** Not set for a port without TLS. */
  readonly secure?: SecureSource | undefined;
}

/** How the certificate of the port is checked. */
export interface SecureSource {
  /** The name in the certificate, whatever the address of the port. */
  readonly serverName: string;
  /** PEM: the authorities of the system, and the certificates in the file. */
  readonly authorities: readonly string[];
}

/**
 * Returns how to check a port that uses the certificate in a file.
 *
 * @param path The value of `--admin-cert`; not set if the port has no
 * certificate.
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
 * Fetches the status, with as many users as fit into one response.
 *
 * @param sort Column by which users are sorted.
 * @throws {TransportError} `ERR_NET_*` if there is no answer, or the answer is
 * not from Umbra.
 * @throws {ConfigError} `ERR_CONFIG_VALUE` if a token is required and is
 * missing or wrong.
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
    `${formatAdminAddress(source.address)} answers ${status}; it is not the ` +
      "operator's port of Umbra",
  );
}

/** An answer of the port. */
export interface AdminAnswer {
  /** The HTTP status; never 401. */
  readonly status: number;
  readonly body: string;
}

/**
 * Sends a request to the port.
 *
 * @param body Sent as JSON; not set for no body.
 * @throws {TransportError} If there is no answer.
 * @throws {ConfigError} See {@link fetchStatus}.
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
  throw badValue(
    source.token === undefined
      ? `${where} requires a token: give --admin-token-file FILE`
      : `${where} rejects the token of --admin-token-file`,
  );
}

function send(
  { address, token, secure }: StatusSource,
  method: string,
  path: string,
  body: unknown,
): Promise<AdminAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<AdminAnswer>();
  // Deno throws a missing permission at once.
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

/**
 * Returns the options of TLS. The name of an IP address is not sent: RFC 6066
 * §3.
 */
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
    if (length > MAX_STATUS_LENGTH) throw new Error("the answer is too long");
    parts.push(part);
  }
  const body = Buffer.concat(parts).toString("utf8");
  return { status: response.statusCode!, body };
}

/** Returns `undefined` for an answer that is not a status. */
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
  const [kind, why] = FAILURES[code ?? name] ?? ["ERR_NET_OTHER", message];
  return new TransportError(
    kind,
    `Cannot reach the operator's port at ${where}: ${why}`,
    { cause: error },
  );
}

const NO_PROGRAM = [
  "ERR_NET_REFUSED",
  "no program listens; start the program with --admin",
] as const;

const TOO_LATE = ["ERR_NET_TIMEOUT", "no answer in time"] as const;

/** The codes and names of errors of both runtimes. */
const FAILURES: Readonly<
  Record<string, readonly [TransportErrorCode, why: string]>
> = {
  ECONNREFUSED: NO_PROGRAM,
  ConnectionRefused: NO_PROGRAM,
  ENOENT: NO_PROGRAM,
  ENOTFOUND: ["ERR_NET_NAME_NOT_FOUND", "the name does not exist"],
  ["ABORT_ERR"]: TOO_LATE,
  TimeoutError: TOO_LATE,
  EACCES: ["ERR_NET_PERMISSION", "permission denied"],
  NotCapable: [
    "ERR_NET_PERMISSION",
    "Deno was not granted it; a unix socket needs --allow-read and " +
    "--allow-write, another address --allow-net",
  ],
};
