/**
 * The users of `ss-local`: user names and passwords for both SOCKS5 and HTTP.
 *
 * @module
 */
import type { SocksUser } from "../../service/inbound/socks5.ts";
import { parseConfig } from "./config_file.ts";
import { PASSWORD, text } from "../settings/kinds.ts";
import type { Secrets } from "./secrets.ts";

/**
 * Reads rust's file of users: `{KIND: {"users": [{"user_name", "password"}]}}`.
 *
 * @param kind The key that rust uses: `password` for SOCKS5, `basic` for HTTP.
 * @throws {ConfigError} With the place of the mistake.
 */
export function socksUsersFromFile(
  path: string,
  kind: "password" | "basic",
  secrets: Secrets,
): SocksUser[] {
  const file = parseConfig(secrets.sources.readText(path), path);
  const users = (file.child(kind)?.children("users") ?? []).map((object) => {
    const username = object.value("user_name", NAME);
    const password = secrets.password(
      object.value("password", PASSWORD),
      object.where("password"),
    ).text;
    if (!fits(username)) throw object.wrong("user_name", FIELD_EXPECTED);
    if (!fits(password)) throw object.wrong("password", FIELD_EXPECTED);
    return { username, password };
  });
  // An empty list would let everyone connect, which is surely not intended.
  if (users.length === 0) throw file.wrong(kind, "users with passwords");
  return users;
}

/** Reads `NAME:PASSWORD` of the command line. */
export function readSocksUser(text: string): SocksUser | undefined {
  const colon = text.indexOf(":");
  const username = text.slice(0, Math.max(0, colon));
  const password = text.slice(colon + 1);
  // U+FFFD replaces bytes that are not UTF-8 and would be a different password.
  const isDecoded = !text.includes("\ufffd");
  return isDecoded && fits(username) && fits(password)
    ? { username, password }
    : undefined;
}

const NAME = text("NAME");

const FIELD_EXPECTED = "text of 1 to 255 bytes";

/** True if a name or password has a length that RFC 1929 §2 allows. */
function fits(text: string): boolean {
  const { length } = new TextEncoder().encode(text);
  return length >= 1 && length <= 255;
}
