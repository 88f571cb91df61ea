/**
 * Umbra's own management API, which the dashboard and `umbra top` use. It has all
 * actions on users, limits included.
 *
 * | path                                | methods            |
 * | ----------------------------------- | ------------------ |
 * | `/api/status` (see below)           | GET                |
 * | `/api/reload` (`?dryRun=true`)      | POST               |
 * | `/api/servers/:server/clear`        | POST               |
 * | `/api/servers/:server/users`        | GET, POST          |
 * | `/api/servers/:server/users/:name`  | GET, PATCH, DELETE |
 * | …`/uri`, …`/clear` of a user        | GET, POST          |
 *
 * A status lists the first users in some order: `?sort=share&order=desc`, only
 * those with `filter=TEXT` in their names and in a `state`, at most `users=100`.
 * The list of a server's users has pages of 1,000, from `?offset=N`.
 *
 * @module
 */
import { MAX_USER_PAGE } from "../limits.ts";
import {
  type Answer,
  findServer,
  type Named,
  type NamedUser,
  withServer,
  withUser,
} from "./lookup.ts";
import { invitationUrl } from "./invite/invitations.ts";
import { secretOf } from "./invite/secret_path.ts";
import type { Operator } from "./operator.ts";
import { fitsQr, qrSvg } from "./qr.ts";
import { done, failure, json } from "./replies.ts";
import { readChange, readFields, readNewUser } from "./request_body.ts";
import { dataRoute, type Handler, type Route } from "./router.ts";
import { readPage } from "./user_page.ts";

const CHANGE_FIELDS = ["password", "limits", "disabled"];

/**
 * Returns the routes.
 *
 * @param inviteUrl Returns the address of the port for users; not set if there is none.
 */
export function usersApi(
  operator: Operator,
  inviteUrl: (() => string) | undefined,
): Route[] {
  const ofServer = (handle: (named: Named) => Answer): Handler =>
    withServer((call) => findServer(operator, call.param("server")), handle);
  const ofUser = (handle: (named: NamedUser) => Answer): Handler =>
    ofServer(withUser(operator, handle));
  /** Answers with the user after a change. */
  const show = (server: string, name: string, status: number): Response =>
    json(operator.user(server, name), status);
  const one = "/api/servers/:server";
  const users = `${one}/users` as const;
  const user = `${users}/:name` as const;
  return [
    dataRoute(
      "GET /api/status",
      ({ url }) => json(operator.status(readPage(url.searchParams))),
    ),
    dataRoute("POST /api/reload", async ({ url }) => {
      const dryRun = url.searchParams.get("dryRun") === "true";
      return json(await operator.reload(dryRun));
    }),
    dataRoute(
      `POST ${one}/clear`,
      ofServer(({ server }) => {
        operator.clearCounts(server.id);
        return done();
      }),
    ),
    dataRoute(
      `GET ${users}`,
      ofServer(({ server, call: { url } }) => {
        const all = [...operator.users(server.id)];
        const offset = url.searchParams.get("offset") ?? "";
        const from = /^\d{1,9}$/.test(offset) ? Number(offset) : 0;
        const users = all.slice(from, from + MAX_USER_PAGE);
        return json({ users, total: all.length });
      }),
    ),
    dataRoute(
      `POST ${users}`,
      ofServer(async ({ server, call: { request } }) => {
        const added = readNewUser(
          await readFields(request, ["name", ...CHANGE_FIELDS]),
        );
        operator.addUser(server.id, added);
        return show(server.id, added.name, 201);
      }),
    ),
    dataRoute(`GET ${user}`, ofUser(({ user }) => json(user))),
    dataRoute(
      `PATCH ${user}`,
      ofUser(async ({ server, user, call: { request } }) => {
        const change = readChange(await readFields(request, CHANGE_FIELDS));
        operator.changeUser(server.id, user.name, change);
        return show(server.id, user.name, 200);
      }),
    ),
    dataRoute(
      `DELETE ${user}`,
      ofUser(({ server, user }) => {
        operator.removeUser(server.id, user.name);
        return done();
      }),
    ),
    dataRoute(
      `POST ${user}/clear`,
      ofUser(({ server, user }) => {
        operator.clearCounts(server.id, user.name);
        return done();
      }),
    ),
    dataRoute(
      `GET ${user}/uri`,
      ofUser(({ server: { id }, user: { name } }) => {
        const credentials = operator.credentials(id, name);
        if (credentials === undefined) {
          return failure(
            404,
            `${name} has a raw key, which has no ss:// form: use a password`,
          );
        }
        const { uri, password } = credentials;
        const owner = { server: id, name, password };
        return json({
          uri,
          sip008: `/sip008/${secretOf(owner)}`,
          ...inviteUrl && { invite: invitationUrl(inviteUrl(), owner) },
          ...fitsQr(uri) && { qr: qrSvg(uri) },
        });
      }),
    ),
  ];
}
