/**
 * SIP008: each user's configuration as a document at a secret path, with what
 * is used and what is left; of ShadowsocksR a subscription, its link in base64.
 *
 * Path: `/sip008/` base64url(`server/name`) `.` base64url(proof), where the
 * proof is derived of the user's password. So nothing is stored, a new password
 * makes a new path, and finding a user takes one look-up, however many there
 * are. Who knows the path knows the password anyway: it is in the document.
 * Source: SIP008 (https://shadowsocks.org/doc/sip008.html).
 *
 * @module
 */
import { equalBytes } from "../bytes.ts";
import { splitPlugin } from "../codec/plugin_options.ts";
import { formatSsrSubscription, parseSsrUri } from "../codec/ssr_uri.ts";
import { parseServerUri } from "../codec/uri.ts";
import { deriveSecret } from "../crypto/derived_secret.ts";
import { findServer, findUser } from "./lookup.ts";
import type { Operator, UserStatus } from "./operator.ts";
import { failure, json, text } from "./replies.ts";
import type { Route } from "./router.ts";

/** Whose document it is. */
export interface DocumentOwner {
  /** See `ServerStatus.id`. */
  readonly server: string;
  /** Name of the user. */
  readonly name: string;
  /** The user's own. */
  readonly password: string;
}

const PATH_PURPOSE = "umbra 2026-11-21 path of a SIP008 document";
const ID_PURPOSE = "umbra 2026-11-21 id of a server in a SIP008 document";

/** Secret path of a user's document: 256 bits that nobody can guess. */
export function sip008Path(owner: DocumentOwner): string {
  const user = new TextEncoder().encode(`${owner.server}/${owner.name}`);
  return `/sip008/${base64Url(user)}.${base64Url(proofOf(owner))}`;
}

/** The route of the documents. */
export function sip008Routes(operator: Operator): Route[] {
  return [{
    access: "secret",
    method: "GET",
    path: "/sip008/:secret",
    handle: (call) =>
      documentAt(operator, call.param("secret")) ??
        failure(404, "There is nothing here"),
  }];
}

function documentAt(operator: Operator, secret: string): Response | undefined {
  const [, owner = "", proof = ""] = /^([\w-]+)\.([\w-]{43})$/.exec(secret) ??
    [];
  const [, server = "", name = ""] = /^([^/]*)\/(.+)$/s
    .exec(new TextDecoder().decode(fromBase64Url(owner))) ?? [];
  const found = findServer(operator, server);
  const user = found && findUser(found, name);
  const credentials = user && operator.credentials(server, name);
  // Also for nobody, so that the time does not tell who exists.
  const right = proofOf({
    server,
    name,
    password: credentials?.password ?? "",
  });
  if (!equalBytes(fromBase64Url(proof), right)) return undefined;
  if (!user || user.disabled || !credentials) return undefined;
  const { uri } = credentials;
  // The form has no place for what is around the cipher of ShadowsocksR, whose
  // clients read subscriptions instead.
  if (uri.startsWith("ssr://")) {
    return text(formatSsrSubscription([parseSsrUri(uri)]));
  }
  return uri.startsWith("ss://")
    ? json(toDocument(uri, server, user))
    : undefined;
}

function toDocument(uri: string, server: string, user: UserStatus): unknown {
  const { host, port, method, password, plugin } = parseServerUri(uri);
  const { name: program, options = "" } = splitPlugin(plugin ?? "");
  const { bytesUp, bytesDown } = user.usage;
  const used = bytesUp + bytesDown;
  const { quotaBytes } = user.limits;
  return {
    version: 1,
    servers: [{
      id: toUuid(
        deriveSecret(JSON.stringify([host, server, user.name]), ID_PURPOSE),
      ),
      remarks: user.name,
      server: host,
      server_port: port,
      password,
      method,
      ...(program && { plugin: program, plugin_opts: options }),
    }],
    bytes_used: used,
    ...(quotaBytes !== undefined &&
      { bytes_remaining: Math.max(0, quotaBytes - used) }),
  };
}

function proofOf({ server, name, password }: DocumentOwner): Uint8Array {
  return deriveSecret(JSON.stringify([server, name, password]), PATH_PURPOSE);
}

/** Form of a UUID of version 8 (RFC 9562 §5.8): the same at each update. */
function toUuid(bytes: Uint8Array): string {
  const uuid = bytes.slice(0, 16);
  uuid[6] = 0x80 | uuid[6]! & 0x0f;
  uuid[8] = 0x80 | uuid[8]! & 0x3f;
  return uuid.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

function base64Url(bytes: Uint8Array): string {
  return bytes.toBase64({ alphabet: "base64url", omitPadding: true });
}

/** @returns Nothing for what is not base64url. */
function fromBase64Url(text: string): Uint8Array {
  try {
    return Uint8Array.fromBase64(text, { alphabet: "base64url" });
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return new Uint8Array();
  }
}
