/**
 * Which function answers which path.
 *
 * @module
 */
import type { Endpoint } from "../transport.ts";

/**
 * What a request must satisfy; see `guard.ts`. `secret`: nothing, its path is
 * the secret. `health`: nothing, so that a balancer which names no host can
 * ask; it says no more than a connection would. `open`: no token, since nothing
 * is answered or changed. `data`: all the rules.
 */
export type Access = "secret" | "health" | "open" | "data";

/** A request that has found its route. */
export interface Call {
  readonly request: Request;
  readonly url: URL;
  /** The client of the request; not set for a unix socket. */
  readonly peer: Endpoint | undefined;
  /** The value of `:name` in the path of the route; decoded. */
  param(name: string): string;
}

/** Answers a request. */
export type Handler = (call: Call) => Response | Promise<Response>;

/** Methods of routes; `GET` also answers `HEAD`. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One thing that can be asked. */
export interface Route {
  readonly method: Method;
  /** Segments are literal, or `:name` for any one that is not empty. */
  readonly path: string;
  readonly access: Access;
  readonly handle: Handler;
}

/**
 * A route that all the rules hold for.
 *
 * @param pattern Method and path.
 */
export function dataRoute(
  pattern: `${Method} /${string}`,
  handle: Handler,
): Route {
  const [method, path] = pattern.split(" ") as [Method, string];
  return { access: "data", method, path, handle };
}

/** The handlers at a path. */
export interface Match {
  /** The strictest access of all routes of the path. */
  readonly access: Access;
  /** The header `Allow`. */
  readonly methods: readonly string[];
  /** `undefined` when there is no route of this method. */
  readonly route: Route | undefined;
  readonly param: Call["param"];
}

/**
 * Finds what is at a path; a slash at its end does not matter.
 *
 * @param pathname As a `URL` has it.
 * @returns `undefined` when there is nothing, or the path is badly encoded.
 */
export function findRoute(
  routes: readonly Route[],
  method: string,
  pathname: string,
): Match | undefined {
  const segments = decode(pathname);
  if (segments === undefined) return undefined;
  const found = routes.flatMap((route) => {
    const params = matchPath(route.path, segments);
    return params === undefined ? [] : [{ route, params }];
  });
  const [first] = found;
  if (first === undefined) return undefined;
  const wanted = method === "HEAD" ? "GET" : method;
  const match = found.find(({ route }) => route.method === wanted);
  const { params } = match ?? first;
  return {
    access: found.some(({ route }) => route.access === "data")
      ? "data"
      : first.route.access,
    methods: found.map(({ route }) => route.method),
    route: match?.route,
    param: (name) => params.get(name)!,
  };
}

function decode(pathname: string): string[] | undefined {
  try {
    return split(pathname).map(decodeURIComponent);
  } catch (error) {
    if (!(error instanceof URIError)) throw error;
    return undefined;
  }
}

function matchPath(
  path: string,
  segments: readonly string[],
): Map<string, string> | undefined {
  const pattern = split(path);
  if (pattern.length !== segments.length) return undefined;
  const params = new Map<string, string>();
  for (const [i, part] of pattern.entries()) {
    const segment = segments[i]!;
    if (!part.startsWith(":")) {
      if (part !== segment) return undefined;
    } else if (segment === "") return undefined;
    else params.set(part.slice(1), segment);
  }
  return params;
}

function split(path: string): string[] {
  return path.replace(/\/$/, "").split("/").slice(1);
}
