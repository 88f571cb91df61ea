/**
 * Who may use `ss-local`, where not everybody may: user names and passwords
 * for SOCKS5 and HTTP alike.
 *
 * @module
 */
import * as v from "valibot";
import type { SocksUser } from "../../service/inbound/socks5.ts";
import { parseConfig } from "./config_file.ts";
import { objects, text } from "./config_keys.ts";
import { badOption } from "../options/option_value.ts";
import type { Secrets } from "./secrets.ts";

const GROUP = v.object({ users: objects("Who may connect") });

const USER = v.object({
  user_name: text("Name of the user"),
  password: text("Password of the user"),
});

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
  const group = file.child(kind);
  group?.read(GROUP);
  const users = (group?.children("users") ?? []).map((object) => {
    const user = object.read(USER);
    const username = user.user_name ?? "";
    const password = user.password === undefined
      ? ""
      : secrets.password(user.password, object.where("password")).text;
    if (!fits(username)) throw object.wrong("user_name", FIELD_EXPECTED);
    if (!fits(password)) throw object.wrong("password", FIELD_EXPECTED);
    return { username, password };
  });
  // Without a user everybody could connect: surely not what was meant.
  if (users.length === 0) throw file.wrong(kind, "users with passwords");
  return users;
}

/**
 * Reads `NAME:PASSWORD` of the command line.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function socksUserFromOption(text: string): SocksUser {
  const colon = text.indexOf(":");
  const username = text.slice(0, Math.max(0, colon));
  const password = text.slice(colon + 1);
  // U+FFFD stands for bytes that are not UTF-8: another password.
  const isDecoded = !text.includes("\ufffd");
  if (isDecoded && fits(username) && fits(password)) {
    return { username, password };
  }
  throw badOption(
    "socks-user",
    "NAME:PASSWORD in UTF-8, each of 1 to 255 bytes",
  );
}

const FIELD_EXPECTED = "text of 1 to 255 bytes";

/** Bounds of both fields: RFC 1929 §2. */
function fits(text: string): boolean {
  const { length } = new TextEncoder().encode(text);
  return length >= 1 && length <= 255;
}
