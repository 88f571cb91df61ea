/**
 * Turns command line and configuration file into the `ss://` URIs of the
 * servers, or the links of legacy protocols.
 *
 * @module
 */
import { plainName } from "../../codec/ssr_uri.ts";
import type { SsrSettings } from "../../session/family.ts";
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
import { linkedPlugin } from "./plugin_settings.ts";
import { Secrets, type Sources } from "./secrets.ts";
import { formatLink, type LinkedServer, NO_PASSWORD } from "./server_links.ts";
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
 * Returns the URIs of the servers of a configuration, without duplicates.
 *
 * @param online The servers of the published list that was fetched.
 * @throws {ConfigError} With the place of the mistake.
 */
export function configureUrls(
  args: Arguments,
  sources: Sources,
  online?: readonly ServerSettings[],
): Configured<string[]> {
  const file = readFile(args, sources);
  const secrets = new Secrets(sources, file);
  const found = findServers(args, file, secrets, online);
  const servers = linkedServers(listed(found, secrets), {
    host: args.last("host") ?? (file && publicHostOf(file)),
    tag: args.last("tag"),
  });
  return {
    result: [...new Set(servers.map(formatLink))],
    warnings: [...found.warnings, ...secrets.warnings],
  };
}

/**
 * Returns servers with the settings of their clients: one for each user.
 *
 * @param host The host under which clients reach all servers; default: the host
 * of each server.
 * @param tag The display name of all servers; default: the name of each server.
 * @throws {ConfigError} If no client could connect.
 */
export function linkedServers(
  servers: readonly ServerSettings[],
  { host, tag }: {
    readonly host?: string | undefined;
    readonly tag?: string | undefined;
  },
): LinkedServer[] {
  return servers.flatMap((server): LinkedServer[] => {
    const name = host ?? server.host ?? DEFAULT_SERVER_HOST;
    if (isWildcard(name)) {
      throw missing(
        `${server.origin}: ${name} is not an address to connect to`,
        'give --host NAME, or "public_host" in the file',
      );
    }
    if (server.through !== undefined) {
      throw missing(
        `${server.origin}: a server behind another has no link`,
        "use the list that contains it",
      );
    }
    const method = methodOf(server);
    const base = {
      method,
      host: name,
      port: upstreamEndpoint(server).port,
      plugin: linkedPlugin(server.plugin),
      ...(method.userKind === "uid" && { ssr: clientSide(server) }),
      prefix: server.prefix,
      transport: server.transport,
    };
    const shown = tag ?? server.tag;
    const users = usersOfLink(server);
    if (users.length === 0) {
      const password = method.keyLength === 0 ? NO_PASSWORD : textOf(server);
      // The key of the server, or the chain of keys of one user.
      const { ssr } = clientKeys(server);
      const protocolParam = ssr?.user && server.protocolParam;
      return [{ ...base, password, tag: shown, protocolParam }];
    }
    serverKeys(server);
    return users.map((user) => {
      const named = {
        ...base,
        user: user.name,
        tag: shown === undefined ? user.name : `${shown} ${user.name}`,
      };
      if (method.userKind === "uid") {
        const protocolParam = userSecret(user).text;
        return { ...named, password: textOf(server), protocolParam };
      }
      const password = userPassword(method, {
        serverKey: server.secret?.text,
        own: textOf(server, user.secret),
      });
      return { ...named, password };
    });
  });
}

/**
 * Adds the layers of ShadowsocksR that a server may leave out and a client may
 * not.
 */
function clientSide(server: ServerSettings): SsrSettings {
  const { protocol, obfs, ...rest } = ssrSettings(server);
  return { protocol: plainName(protocol), obfs: plainName(obfs), ...rest };
}

/**
 * In a link, the parameter of ShadowsocksR names one user, not the users of a
 * server.
 */
function usersOfLink(server: ServerSettings): readonly UserSettings[] {
  const { protocolParam = "", users = [] } = server;
  return protocolParam.includes("#") ? usersIn(server) : users;
}

/** Returns a secret of a server in the form of a URI. */
function textOf(server: ServerSettings, secret = secretOf(server)): string {
  const password = passwordOf(secret, methodOf(server));
  if (password !== undefined) return password;
  throw missing(
    `${secret.origin}: a raw key has no ss:// form`,
    "use a password",
  );
}
