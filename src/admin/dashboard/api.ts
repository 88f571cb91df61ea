/// <reference lib="dom" />
/**
 * Calls the operator's API from the page: same origin, with the token of this
 * tab if one is required.
 *
 * @module
 */
import { STATUS_TIMEOUT_MS } from "../../limits.ts";
import type { Minute } from "../../minutes.ts";
import type { FleetView } from "../fleet_api.ts";
import type {
  NewUser,
  ReloadReport,
  Status,
  UpstreamStatus,
  UserChange,
  UserPage,
  UserStatus,
} from "../operator.ts";
import type { RecentRequest } from "../recent_requests.ts";
import { formatPage } from "../user_page.ts";

/** The link and QR code of a user. */
export interface Access {
  /** `ss://…`. */
  readonly uri: string;
  /** Path of the user's SIP008 document, if one is served. */
  readonly sip008?: string;
  /**
   * Address of the user's invitation; not set if no port serves invitations.
   */
  readonly invite?: string;
  /** The URI as a QR code, an SVG document; not set if it is too long. */
  readonly qr?: string;
}

/** A refusal of the server. */
export class ApiError extends Error {
  /** The HTTP status. */
  readonly status: number;

  /** Called only by this module. */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const TOKEN = "umbra-token";

/** True if this tab has a token. */
export function hasToken(): boolean {
  return sessionStorage.getItem(TOKEN) !== null;
}

/** Keeps a token until the tab is closed. */
export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN, token);
}

/** Fetches the status. */
export function getStatus(page: UserPage): Promise<Status> {
  return call<Status>("GET", `status?${formatPage(page)}`);
}

/** Fetches one user. */
export function getUser(server: string, name: string): Promise<UserStatus> {
  return call<UserStatus>("GET", userPath(server, name));
}

/** Fetches the minutes of the last day. */
export async function getHistory(): Promise<readonly Minute[]> {
  return (await call<{ minutes: Minute[] }>("GET", "history")).minutes;
}

/** Fetches the latest requests to a local, the newest first. */
export async function getRequests(): Promise<readonly RecentRequest[]> {
  type Answer = { readonly connections: RecentRequest[] };
  return (await call<Answer>("GET", "connections")).connections;
}

/** Fetches the servers of the fleet. */
export function getFleet(): Promise<FleetView> {
  return call<FleetView>("GET", "fleet");
}

/** Drains or restores a server of the fleet. */
export async function drainNode(
  name: string,
  isDraining: boolean,
): Promise<void> {
  const action = isDraining ? "drain" : "restore";
  await call("POST", `fleet/nodes/${encodeURIComponent(name)}/${action}`);
}

/** Fetches the link and QR code of a user. Secret. */
export function getAccess(server: string, name: string): Promise<Access> {
  return call<Access>("GET", `${userPath(server, name)}/uri`);
}

/** Adds a user. */
export async function addUser(server: string, user: NewUser): Promise<void> {
  await call("POST", `servers/${encodeURIComponent(server)}/users`, user);
}

/** Changes the given settings of a user. */
export async function changeUser(
  server: string,
  name: string,
  change: UserChange,
): Promise<void> {
  await call("PATCH", userPath(server, name), change);
}

/** Removes a user. */
export async function removeUser(server: string, name: string): Promise<void> {
  await call("DELETE", userPath(server, name));
}

/** Reloads the configuration, or returns what a reload would change. */
export function reload(dryRun: boolean): Promise<ReloadReport> {
  return call<ReloadReport>("POST", `reload?dryRun=${dryRun}`);
}

/** @param name The server; not set to return to the policy. */
export async function pinUpstream(name: string | undefined): Promise<void> {
  if (name === undefined) await call("DELETE", "upstreams/pin");
  else await call("PUT", "upstreams/pin", { name });
}

/**
 * Adds a server to a local.
 *
 * @returns The name of the server.
 */
export async function addUpstream(link: string): Promise<string> {
  return (await call<UpstreamStatus>("POST", "upstreams", { link })).name;
}

/** Removes a server that was added. */
export async function removeUpstream(name: string): Promise<void> {
  await call("DELETE", `upstreams/${encodeURIComponent(name)}`);
}

/** Enables or disables a server of a local. */
export async function changeUpstream(
  name: string,
  change: { readonly disabled: boolean },
): Promise<void> {
  await call("PATCH", `upstreams/${encodeURIComponent(name)}`, change);
}

/** Probes a server of a local. */
export function probeUpstream(
  name: string,
): Promise<{ readonly answered: boolean }> {
  return call("POST", `upstreams/${encodeURIComponent(name)}/probe`);
}

function userPath(server: string, name: string): string {
  return `servers/${encodeURIComponent(server)}/users/${
    encodeURIComponent(name)
  }`;
}

/**
 * @throws {ApiError} If the server refuses; also what `fetch` throws without an
 * answer.
 */
async function call<T>(
  method: string,
  path: string,
  body?: unknown,
): Promise<T> {
  const headers: Record<string, string> = {};
  const token = sessionStorage.getItem(TOKEN);
  if (token !== null) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const response = await fetch(`/api/${path}`, {
    method,
    headers,
    body: body === undefined ? null : JSON.stringify(body),
    signal: AbortSignal.timeout(STATUS_TIMEOUT_MS),
    cache: "no-store",
    redirect: "error",
  });
  const text = await response.text();
  if (!response.ok) throw new ApiError(response.status, reasonOf(text));
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

/**
 * Returns the reason of a refusal: the API sends `{"error": …}`, a proxy in
 * between any text.
 */
function reasonOf(text: string): string {
  try {
    const { error } = JSON.parse(text);
    return typeof error === "string" ? error : String(error.message);
  } catch {
    return text.slice(0, 200) || "no reason given";
  }
}
