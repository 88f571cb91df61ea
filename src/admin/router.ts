/**
 * Finds the handler of a request.
 *
 * @module
 */
import type { Endpoint } from "../transport.ts";

/**
 * The rules that a request must satisfy; see `guard.ts`. `secret`: none,
 * because the path itself is a secret. `health`: none, so that a balancer that
 * sends no host can ask; the answer reveals no more than a connection would.
 * `open`: no token, because nothing is revealed or changed. `data`: all rules.
 */
export type Access = "secret" | "health" | "open" | "data";

/** A request with its route. */
export interface Call {
  readonly request: Request;
  readonly url: URL;
  /** The client; not set for a unix socket. */
  readonly peer: Endpoint | undefined;
  /** Returns the decoded value of `:name` in the path of the route. */
  param(name: string): string;
}

/** Answers a request. */
export type Handler = (call: Call) => Response | Promise<Response>;

/** Methods of routes; `GET` also answers `HEAD`. */
export type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One method of a path, with its handler. */
export interface Route {
  readonly method: Method;
  /**
   * The path; a segment is literal, or `:name` for any text that is not empty.
   */
  readonly path: string;
  readonly access: Access;
  readonly handle: Handler;
}

/**
 * Returns a route to which all rules apply.
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

/** The handlers of a path. */
export interface Match {
  /** The strictest access among the routes of the path. */
  readonly access: Access;
  /** The value of the header `Allow`. */
  readonly methods: readonly string[];
  /** The route; `undefined` if no route has this method. */
  readonly route: Route | undefined;
  readonly param: Call["param"];
}

/**
 * Finds the routes of a path; a slash at its end is ignored.
 *
 * @param pathname The path in the form of `URL`.
 * @returns `undefined` if there is none, or the path is badly encoded.
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
