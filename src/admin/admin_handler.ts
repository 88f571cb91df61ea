/**
 * Answers all requests to the operator's port, as one function from requests to
 * responses: health, metrics, the page, both management APIs and SIP008.
 *
 * Does not: use sockets, which `adapters/net/http_server.ts` does.
 *
 * @module
 */
import type { Clock } from "../clock.ts";
import { ConfigError, UmbraError } from "../errors.ts";
import type { Logger } from "../observe.ts";
import type { Endpoint } from "../transport.ts";
import { fleetApi } from "./fleet_api.ts";
import { Guard, type GuardSettings } from "./guard.ts";
import {
  METRICS_CONTENT_TYPE,
  renderFleetTotals,
  renderMetrics,
  SCRAPED_USERS,
} from "./metrics.ts";
import {
  type InvitationOptions,
  invitationRoutes,
} from "./invite/invitations.ts";
import type { Operator } from "./operator.ts";
import type { Minute } from "../minutes.ts";
import type { RecentRequest } from "./recent_requests.ts";
import { failure, failureWith, json, text } from "./replies.ts";
import { dataRoute, findRoute, type Route } from "./router.ts";
import { ssmApi } from "./ssm_api.ts";
import { upstreamsApi } from "./upstreams_api.ts";
import { NO_USERS } from "./user_page.ts";
import { usersApi } from "./users_api.ts";

/** A page and its permissions in a browser. */
export interface AdminPage {
  /** One document that loads nothing else. */
  readonly html: string;
  /** The value of the header Content-Security-Policy. */
  readonly csp: string;
}

/** The dependencies of the operator's port. */
export interface AdminOptions extends GuardSettings {
  readonly operator: Operator;
  /** The dashboard; not set if there is none. */
  readonly page?: AdminPage | undefined;
  /** Returns the minutes of the last day; not set if they are not kept. */
  readonly history?: (() => readonly Minute[]) | undefined;
  /**
   * Returns the latest requests to a local, or `undefined` if targets must not
   * be reported; not set if the program is not a local.
   */
  readonly requests?:
    | (() => readonly RecentRequest[] | undefined)
    | undefined;
  /**
   * Returns the address of the port for users, without a slash at its end; not
   * set if there are no invitations.
   */
  readonly inviteUrl?: (() => string) | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Answers one request; `peer` is not set for a unix socket. */
export type AdminHandler = (
  request: Request,
  peer: Endpoint | undefined,
) => Promise<Response>;

/**
 * Makes the handler of one port.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`, see {@link Guard}.
 */
export function createAdminHandler(options: AdminOptions): AdminHandler {
  const guard = new Guard(options, options);
  const routes = routesOf(options);
  return async (request, peer) =>
    harden(await answer({ request, peer, guard, routes }));
}

/**
 * Makes the handler of a port with only the invitations and subscriptions of
 * users.
 */
export function createInviteHandler(options: InvitationOptions): AdminHandler {
  const routes = invitationRoutes(options);
  return async (request, peer) =>
    harden(await answer({ request, peer, routes, guard: undefined }));
}

function routesOf(
  { operator, page, history = () => [], inviteUrl, clock, requests }:
    AdminOptions,
): Route[] {
  return [
    {
      access: "health",
      method: "GET",
      path: "/healthz",
      handle: () => text("ok\n"),
    },
    {
      access: "health",
      method: "GET",
      path: "/readyz",
      handle: ({ url }) =>
        isReady(operator, url)
          ? text("ready\n")
          : text("not ready\n", undefined, 503),
    },
    ...page === undefined ? [] : [pageRoute(page)],
    dataRoute(
      "GET /metrics",
      ({ url: { searchParams } }) =>
        searchParams.get("fleet") === "true"
          ? fleetTotals(operator)
          : metrics(operator),
    ),
    dataRoute("GET /api/history", () => json({ minutes: history() })),
    ...requests === undefined ? [] : [requestsRoute(requests)],
    ...usersApi(operator, inviteUrl),
    ...upstreamsApi(operator),
    ...fleetApi(operator),
    ...ssmApi(operator),
    ...inviteUrl === undefined
      ? []
      : invitationRoutes({ operator, inviteUrl, clock }),
  ];
}

async function metrics(operator: Operator): Promise<Response> {
  const rendered = await renderMetrics(operator.status(SCRAPED_USERS));
  return text(rendered, METRICS_CONTENT_TYPE);
}

/** Answers with the metrics of the fleet, and without those of this program. */
async function fleetTotals(operator: Operator): Promise<Response> {
  if (operator.fleetNodes === undefined) {
    return failure(404, "This server is in no fleet");
  }
  const totals = await operator.fleetTotals?.();
  return totals === undefined
    ? failure(503, "The engine of the fleet does not answer")
    : text(await renderFleetTotals(totals), METRICS_CONTENT_TYPE);
}

/**
 * True if the program is ready. With `?fleet=true` the engine of its fleet must
 * answer as well.
 */
function isReady(operator: Operator, { searchParams }: URL): boolean {
  const { ready, fleet } = operator.status(NO_USERS);
  const asksFleet = searchParams.get("fleet") === "true";
  return ready && (!asksFleet || fleet?.isUp !== false);
}

function requestsRoute(
  requests: NonNullable<AdminOptions["requests"]>,
): Route {
  return dataRoute("GET /api/connections", () => {
    const connections = requests();
    return connections === undefined
      ? failure(404, 'Targets are kept only with "log_privacy": "full"')
      : json({ connections });
  });
}

/**
 * Returns the route of the page. It needs no token: the page contains no data
 * and asks for the token itself.
 */
function pageRoute({ html, csp }: AdminPage): Route {
  return {
    access: "open",
    method: "GET",
    path: "/",
    handle: () => {
      const response = text(html, "text/html; charset=utf-8");
      response.headers.set("content-security-policy", csp);
      return response;
    },
  };
}

async function answer({ request, peer, guard, routes }: {
  readonly request: Request;
  readonly peer: Endpoint | undefined;
  /** Not set for a port on which every path is a secret. */
  readonly guard: Guard | undefined;
  readonly routes: readonly Route[];
}): Promise<Response> {
  const url = new URL(request.url);
  const match = findRoute(routes, request.method, url.pathname);
  // Unknown paths are guarded as well, so that a stranger cannot find out which
  // paths exist.
  const refusal = guard?.refuse(request, match?.access ?? "data", peer);
  if (refusal !== undefined) return refusal;
  if (match === undefined) return failure(404, "Not found");
  const { route, methods, param } = match;
  if (route === undefined) {
    return failureWith(405, `Only ${methods.join(", ")} here`, {
      allow: methods.join(", "),
    });
  }
  try {
    return await route.handle({ request, url, peer, param });
  } catch (error) {
    // The object was removed after it was looked up, see Operator.
    if (error instanceof RangeError) return failure(404, error.message);
    if (!(error instanceof UmbraError)) throw error;
    const status = error instanceof ConfigError ? 400 : 503;
    return failure(status, error.message, error.code);
  }
}

/** The policy of every answer that is not a page. */
const NO_PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'; " +
  "base-uri 'none'; form-action 'none'";

/** Headers that restrict what browsers show, store and reveal. */
const HARDENING: readonly (readonly [name: string, value: string])[] = [
  ["cache-control", "no-store"],
  ["content-security-policy", NO_PAGE_POLICY],
  ["cross-origin-opener-policy", "same-origin"],
  ["cross-origin-resource-policy", "same-origin"],
  ["referrer-policy", "no-referrer"],
  ["x-content-type-options", "nosniff"],
  ["x-frame-options", "DENY"],
];

function harden(response: Response): Response {
  for (const [name, value] of HARDENING) {
    if (!response.headers.has(name)) response.headers.set(name, value);
  }
  return response;
}
