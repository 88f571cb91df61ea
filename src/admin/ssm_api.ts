/**
 * Shadowsocks Server Management API, version 1, in two forms: one set of paths
 * for each server, as in shadowsocks-go, and one for the only server, as in
 * sing-box.
 *
 * Source: Shadowsocks-NET proposal 2023-1. Does not: support limits; see
 * `users_api.ts`.
 *
 * @module
 */
import type { UserCounts } from "../users.ts";
import {
  type Answer,
  findServer,
  type Named,
  withServer,
  withUser,
} from "./lookup.ts";
import type { Operator, ServerStatus } from "./operator.ts";
import { done, json } from "./replies.ts";
import { readFields, readName, readText } from "./request_body.ts";
import { type Call, dataRoute, type Method, type Route } from "./router.ts";
import { NO_USERS } from "./user_page.ts";

/** Returns the routes of SSM, under two prefixes. */
export function ssmApi(operator: Operator): Route[] {
  const named = (call: Call): ServerStatus | undefined =>
    findServer(operator, call.param("server"));
  const only = (): ServerStatus | undefined => {
    const { servers } = operator.status(NO_USERS);
    return servers.length === 1 ? servers[0] : undefined;
  };
  const root = "/api/ssm/v1/servers";
  return [
    dataRoute(
      `GET ${root}`,
      () => json(operator.status(NO_USERS).servers.map(({ id }) => id)),
    ),
    ...mount(`${root}/:server`, named, operator),
    ...mount("/server/v1", only, operator),
  ];
}

function mount(
  root: `/${string}`,
  find: (call: Call) => ServerStatus | undefined,
  operator: Operator,
): Route[] {
  const route = (
    method: Method,
    path: string,
    handle: (named: Named) => Answer,
  ): Route => dataRoute(`${method} ${root}${path}`, withServer(find, handle));
  /**
   * Returns the key of a user: for a 2017 method its password; not set for a
   * raw key.
   */
  const keyOf = (server: ServerStatus, name: string): string | undefined =>
    operator.credentials(server.id, name)?.password;
  const update = withUser(
    operator,
    async ({ server, user, call: { request } }) => {
      const fields = await readFields(request, ["username", "uPSK"]);
      const password = readText(fields.get("uPSK"), "uPSK");
      operator.changeUser(server.id, user.name, { password });
      return done();
    },
  );
  return [
    route("GET", "", () =>
      json({
        server: `umbra ${operator.status(NO_USERS).version}`,
        apiVersion: "v1",
      })),
    route("GET", "/stats", ({ server, call: { url } }) => {
      const told = {
        ...toStats(server.usage),
        users: [...operator.users(server.id)].map(({ name, usage }) => ({
          username: name,
          ...toStats(usage),
        })),
      };
      // `?clear` without a value is sufficient, as in shadowsocks-go.
      const clear = url.searchParams.get("clear");
      if (clear === "" || clear === "true") operator.clearCounts(server.id);
      return json(told);
    }),
    route("GET", "/users", ({ server }) =>
      json({
        users: [...operator.users(server.id)].map(({ name }) => ({
          username: name,
          uPSK: keyOf(server, name),
        })),
      })),
    route("POST", "/users", async ({ server, call: { request } }) => {
      const fields = await readFields(request, ["username", "uPSK"]);
      const name = readName(fields.get("username"), "username");
      const password = readText(fields.get("uPSK"), "uPSK");
      operator.addUser(server.id, { name, password });
      return json({ username: name, uPSK: password }, 201);
    }),
    route(
      "GET",
      "/users/:name",
      withUser(operator, ({ server, user: { name, usage } }) =>
        json({
          username: name,
          uPSK: keyOf(server, name),
          ...toStats(usage),
        })),
    ),
    route("PATCH", "/users/:name", update),
    route("PUT", "/users/:name", update),
    route(
      "DELETE",
      "/users/:name",
      withUser(operator, ({ server, user }) => {
        operator.removeUser(server.id, user.name);
        return done();
      }),
    ),
  ];
}

/**
 * Returns the statistics. Sessions are counted since the counts were cleared,
 * as in other servers.
 */
function toStats(counts: UserCounts): Record<string, number> {
  return {
    downlinkPackets: counts.packetsDown,
    downlinkBytes: counts.bytesDown,
    uplinkPackets: counts.packetsUp,
    uplinkBytes: counts.bytesUp,
    tcpSessions: counts.connections,
    udpSessions: counts.associations,
  };
}
