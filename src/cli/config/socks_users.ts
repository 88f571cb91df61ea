/**
 * Who may use `ss-local`, where not everybody may: user names and passwords
 * for SOCKS5 and HTTP alike.
 *
 * @module
 */
import type { SocksUser } from "../../service/inbound/socks5.ts";
import { parseConfig } from "./config_file.ts";
import { PASSWORD, text } from "../settings/kinds.ts";
import type { Secrets } from "./secrets.ts";

/**
 * Reads rust's file: `{KIND: {"users": [{"user_name", "password"}]}}`.
 *
 * @param kind What rust calls them: `password` for SOCKS5, `basic` for HTTP.
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
  // Without a user everybody could connect: surely not what was meant.
  if (users.length === 0) throw file.wrong(kind, "users with passwords");
  return users;
}

/** `NAME:PASSWORD` of the command line. */
export function readSocksUser(text: string): SocksUser | undefined {
  const colon = text.indexOf(":");
  const username = text.slice(0, Math.max(0, colon));
  const password = text.slice(colon + 1);
  // U+FFFD stands for bytes that are not UTF-8: another password.
  const isDecoded = !text.includes("\ufffd");
  return isDecoded && fits(username) && fits(password)
    ? { username, password }
    : undefined;
}

const NAME = text("NAME");

const FIELD_EXPECTED = "text of 1 to 255 bytes";

/** Bounds of both fields: RFC 1929 §2. */
function fits(text: string): boolean {
  const { length } = new TextEncoder().encode(text);
  return length >= 1 && length <= 255;
}
