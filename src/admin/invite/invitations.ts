/**
 * The content of the secret paths of users:
 *
 * | path                   |                                             |
 * | ---------------------- | ------------------------------------------- |
 * | `/invite/SECRET`       | the invitation; for an app its subscription |
 * | `/invite/SECRET/FORM`  | a subscription: see `FORMS`                 |
 * | `/sip008/SECRET`       | the SIP008 document                         |
 *
 * The headers of a subscription contain the used bytes and the update interval,
 * in the form that apps expect.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { encodeBase64 } from "../../codec/base64.ts";
import { PROFILE_UPDATE_HOURS, WRONG_TOKEN_WINDOW_MS } from "../../limits.ts";
import { findServer } from "../lookup.ts";
import type { Operator } from "../operator.ts";
import { failure, failureWith, text } from "../replies.ts";
import type { Call, Route } from "../router.ts";
import { NO_USERS } from "../user_page.ts";
import {
  type Form,
  formOfAgent,
  FORMS,
  parseLink,
  USUAL_FORM,
} from "./forms.ts";
import { invitationPage, PAGE_POLICY } from "./page.ts";
import {
  type Invited,
  type PathOwner,
  secretOf,
  SecretPaths,
} from "./secret_path.ts";
import { languageFor } from "./texts/languages.ts";

/** The options of invitations. */
export interface InvitationOptions {
  readonly operator: Operator;
  readonly clock: Clock;
  /** Returns the address of the port for users, without a slash at its end. */
  inviteUrl(): string;
}

/** Returns the address of a user's invitation. Secret. */
export function invitationUrl(inviteUrl: string, owner: PathOwner): string {
  return `${inviteUrl}/invite/${secretOf(owner)}`;
}

/** Returns the routes of all secret paths. */
export function invitationRoutes(options: InvitationOptions): Route[] {
  const { operator, clock } = options;
  const paths = new SecretPaths(operator, clock);
  const route = (
    path: string,
    answer: (call: Call, invited: Invited) => Response | undefined,
  ): Route => ({
    access: "secret",
    method: "GET",
    path,
    handle: async (call) => {
      const found = paths.find(
        call.param("secret"),
        call.peer?.host ?? "a unix socket",
      );
      if (found === "blocked") return blocked();
      if (found === undefined) return nothing();
      const { server, user } = found;
      const [uris = [found.uri], used] = await Promise.all([
        operator.links?.(server, user.name),
        operator.used === undefined
          ? user.usage
          : operator.used(server, user.name),
      ]);
      // The user may have been removed since the lookup.
      const [uri] = uris;
      if (uri === undefined) return nothing();
      return answer(call, { ...found, uri, uris, used }) ?? nothing();
    },
  });
  return [
    route(
      "/invite/:secret",
      (call, invited) => invitation(call, invited, options),
    ),
    route("/invite/:secret/:form", (call, invited) => {
      const form = FORMS.find(({ id }) => id === call.param("form"));
      return form && subscription(form, call, invited, options);
    }),
    route("/sip008/:secret", (call, invited) => {
      // SIP008 cannot express protocol and obfs of ShadowsocksR, whose clients
      // read lists of links instead.
      const id = invited.uri.startsWith("ssr://") ? "links" : "sip008";
      const form = FORMS.find((form) => form.id === id)!;
      return subscription(form, call, invited, options);
    }),
  ];
}

/** Answers a browser with the page, and an app with its subscription. */
function invitation(
  call: Call,
  invited: Invited,
  options: InvitationOptions,
): Response {
  const { headers } = call.request;
  const agent = headers.get("user-agent") ?? "";
  const known = formOfAgent(agent);
  const isBrowser = known === undefined &&
    (headers.get("accept") ?? "").includes("text/html");
  const form = known ?? USUAL_FORM;
  const subscribed = isBrowser
    ? undefined
    : subscription(form, call, invited, options) ??
      subscription(USUAL_FORM, call, invited, options);
  return subscribed ?? page(call, invited, agent, options);
}

function page(
  call: Call,
  invited: Invited,
  agent: string,
  { operator, inviteUrl }: Pick<InvitationOptions, "operator" | "inviteUrl">,
): Response {
  const language = languageFor(
    call.url.searchParams.get("lang"),
    call.request.headers.get("accept-language"),
  );
  const response = text(
    invitationPage({
      ...invited,
      parsed: parseLink(invited.uri, modeOf(operator, invited)),
      address: addressOf(call, inviteUrl()),
      nowUnixMs: operator.status(NO_USERS).nowUnixMs,
      agent,
    }, language),
    "text/html; charset=utf-8",
  );
  response.headers.set("content-security-policy", PAGE_POLICY);
  response.headers.set("content-language", language.language);
  response.headers.set("vary", "accept, accept-language, user-agent");
  return response;
}

/** @returns `undefined` if the format cannot express the server. */
function subscription(
  form: Form,
  call: Call,
  invited: Invited,
  { operator, inviteUrl }: InvitationOptions,
): Response | undefined {
  const mode = modeOf(operator, invited);
  const links = invited.uris.flatMap((uri) => {
    const server = parseLink(uri, mode);
    return server !== undefined && form.holds(server) ? [{ uri, server }] : [];
  });
  const [first, ...others] = links.map(({ server }) => server);
  if (first === undefined) return undefined;
  const uris = links.map(({ uri }) => uri);
  const response = text(
    form.write({ ...invited, uris, servers: [first, ...others] }),
    form.type,
  );
  const { user } = invited;
  const name = new TextEncoder().encode(user.name);
  const headers = {
    ...accountHeader(invited),
    "profile-update-interval": String(PROFILE_UPDATE_HOURS),
    "profile-title": `base64:${encodeBase64(name)}`,
    "profile-web-page-url": addressOf(call, inviteUrl()),
    "content-disposition": "attachment; filename*=UTF-8''" +
      encodeURIComponent(user.name).replace(/['()*]/g, percent),
  };
  for (const [key, value] of Object.entries(headers)) {
    response.headers.set(key, value);
  }
  return response;
}

/** Returns no header if the usage is not known: apps keep what they had. */
function accountHeader(
  { user: { limits: { quotaBytes, expiresUnixMs } }, used }: Invited,
): Record<string, string> {
  if (used === undefined) return {};
  const account = [
    `upload=${used.bytesUp}`,
    `download=${used.bytesDown}`,
    ...quotaBytes === undefined ? [] : [`total=${quotaBytes}`],
    ...expiresUnixMs === undefined
      ? []
      : [`expire=${Math.floor(expiresUnixMs / 1_000)}`],
  ];
  return { "subscription-userinfo": account.join("; ") };
}

/**
 * Percent-encodes a character that RFC 8187 §3.2.1 does not allow unencoded.
 */
function percent(character: string): string {
  return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
}

function addressOf(call: Call, inviteUrl: string): string {
  return `${inviteUrl}/invite/${call.param("secret")}`;
}

function modeOf(operator: Operator, { server }: Invited): string {
  return findServer(operator, server)?.mode ?? "";
}

function nothing(): Response {
  return failure(404, "There is nothing here");
}

function blocked(): Response {
  return failureWith(429, "Too many wrong addresses: try again later", {
    "retry-after": String(WRONG_TOKEN_WINDOW_MS / 1_000),
  });
}
