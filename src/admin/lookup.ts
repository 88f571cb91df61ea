/**
 * Servers and users of a running program, by what a path calls them.
 *
 * @module
 */
import type { Operator, ServerStatus, UserStatus } from "./operator.ts";
import { failure } from "./replies.ts";
import { NO_USERS } from "./user_page.ts";
import type { Call, Handler } from "./router.ts";

/** The server that a path names, and its user where the path names one. */
export interface Named {
  readonly server: ServerStatus;
  readonly call: Call;
}

/** A {@link Named} with a user. */
export interface NamedUser extends Named {
  readonly user: UserStatus;
}

/** The result of a handler. */
export type Answer = Response | Promise<Response>;

/**
 * Answers 404 unless there is such a server.
 *
 * @param find The server that is asked for; `undefined`: there is none.
 */
export function withServer(
  find: (call: Call) => ServerStatus | undefined,
  handle: (named: Named) => Answer,
): Handler {
  return (call) => {
    const server = find(call);
    return server === undefined
      ? failure(404, "There is no such server")
      : handle({ server, call });
  };
}

/** Answers 404 unless the server has the user that `:name` names. */
export function withUser(
  operator: Operator,
  handle: (named: NamedUser) => Answer,
): (named: Named) => Answer {
  return (named) => {
    const user = operator.user(named.server.id, named.call.param("name"));
    return user === undefined
      ? failure(404, "There is no such user")
      : handle({ ...named, user });
  };
}

/** The server with this id; it lists no users. */
export function findServer(
  operator: Operator,
  id: string,
): ServerStatus | undefined {
  const { servers } = operator.status(NO_USERS);
  return servers.find((server) => server.id === id);
}
