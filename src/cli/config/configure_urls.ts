/**
 * Command line + configuration file → the `ss://` URIs of the servers, or the links that
 * legacy protocols have in their place.
 *
 * @module
 */
import type { Arguments } from "../options/args.ts";
import { DEFAULT_SERVER_HOST } from "../commands/defaults.ts";
import {
  clientKeys,
  methodOf,
  passwordOf,
  secretOf,
  serverKeys,
  ssrSettings,
  userPassword,
  userSecret,
  usersIn,
} from "./credentials.ts";
import { publicHostOf } from "./operator_settings.ts";
import { Secrets, type Sources } from "./secrets.ts";
import { formatLink, NO_PASSWORD } from "./server_links.ts";
import type { ServerSettings, UserSettings } from "./server_settings.ts";
import {
  findServers,
  listed,
  missing,
  readFile,
  upstreamEndpoint,
} from "./find_servers.ts";
import type { Configured } from "./config.ts";
import { isWildcard } from "./values.ts";

/**
 * The `ss://` URIs of a configuration, without duplicates.
 *
 * @param online The servers of the published list that was asked for.
 * @throws {ConfigError} With the place of the mistake.
 */
export function configureUrls(
  args: Arguments,
  sources: Sources,
  online?: readonly ServerSettings[],
): Configured<string[]> {
  const file = readFile(args, sources);
  const secrets = new Secrets(sources, file?.name);
  const found = findServers(args, file, secrets, online);
  const host = args.last("host") ?? (file && publicHostOf(file));
  const urls = listed(found, secrets).flatMap((server) => {
    const users = usersOfLink(server);
    const name = host ?? server.host ?? DEFAULT_SERVER_HOST;
    if (isWildcard(name)) {
      throw missing(
        `${server.origin}: ${name} is no address to connect to`,
        'give --host NAME, or "public_host" in the file',
      );
    }
    const method = methodOf(server);
    const base = {
      method,
      host: name,
      port: upstreamEndpoint(server).port,
      ...(method.userKind === "uid" && { ssr: ssrSettings(server) }),
    };
    const tag = args.last("tag") ?? server.tag;
    if (users.length === 0) {
      const password = method.keyLength === 0 ? NO_PASSWORD : textOf(server);
      // A server's one key, or the chain of keys of a client of it.
      clientKeys(server);
      const { protocolParam } = server;
      return formatLink({ ...base, password, tag, protocolParam });
    }
    serverKeys(server);
    return users.map((user) => {
      const shown = tag === undefined ? user.name : `${tag} ${user.name}`;
      if (method.userKind === "uid") {
        return formatLink({
          ...base,
          password: textOf(server),
          protocolParam: userSecret(user).text,
          tag: shown,
        });
      }
      const password = userPassword(method, {
        serverKey: server.secret?.text,
        own: textOf(server, user.secret),
      });
      return formatLink({ ...base, password, tag: shown });
    });
  });
  return {
    result: [...new Set(urls)],
    warnings: [...found.warnings, ...secrets.warnings],
  };
}

/** A client's parameter of ShadowsocksR names no users, but one. */
function usersOfLink(server: ServerSettings): readonly UserSettings[] {
  const { protocolParam = "", users = [] } = server;
  return protocolParam.includes("#") ? usersIn(server) : users;
}

/** A secret of a server as a URI has it. */
function textOf(server: ServerSettings, secret = secretOf(server)): string {
  const password = passwordOf(secret, methodOf(server));
  if (password !== undefined) return password;
  throw missing(
    `${secret.origin}: a raw key has no ss:// form`,
    "use a password",
  );
}
