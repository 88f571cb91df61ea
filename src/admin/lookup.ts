/**
 * Finds the servers and users that a path names.
 *
 * @module
 */
import type { Operator, ServerStatus, UserStatus } from "./operator.ts";
import { failure } from "./replies.ts";
import { NO_USERS } from "./user_page.ts";
import type { Call, Handler } from "./router.ts";

/** The server that a path names, and its user if the path names one. */
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
 * Answers 404 unless the server exists.
 *
 * @param find Returns the server, or `undefined`.
 */
export function withServer(
  find: (call: Call) => ServerStatus | undefined,
  handle: (named: Named) => Answer,
): Handler {
  return (call) => {
    const server = find(call);
    return server === undefined
      ? failure(404, "The server does not exist")
      : handle({ server, call });
  };
}

/** Answers 404 unless the server has the user `:name`. */
export function withUser(
  operator: Operator,
  handle: (named: NamedUser) => Answer,
): (named: Named) => Answer {
  return (named) => {
    const user = operator.user(named.server.id, named.call.param("name"));
    return user === undefined
      ? failure(404, "The user does not exist")
      : handle({ ...named, user });
  };
}

/** Returns the server with this id, without users. */
export function findServer(
  operator: Operator,
  id: string,
): ServerStatus | undefined {
  const { servers } = operator.status(NO_USERS);
  return servers.find((server) => server.id === id);
}
