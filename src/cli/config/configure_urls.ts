/**
 * Command line + configuration file → the `ss://` URIs of the servers.
 *
 * @module
 */
import { formatServerUri } from "../../codec/uri.ts";
import type { Arguments } from "../options/args.ts";
import { DEFAULT_SERVER_HOST } from "../commands/defaults.ts";
import {
  clientKeys,
  methodOf,
  passwordOf,
  secretOf,
  serverKeys,
  userPassword,
} from "./credentials.ts";
import { publicHostOf } from "./operator_settings.ts";
import { Secrets, type Sources } from "./secrets.ts";
import type { ServerSettings } from "./server_settings.ts";
import {
  findServers,
  listed,
  missing,
  present,
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
    const { users } = server;
    const name = host ?? server.host ?? DEFAULT_SERVER_HOST;
    if (isWildcard(name)) {
      throw missing(
        `${server.origin}: ${name} is no address to connect to`,
        'give --host NAME, or "public_host" in the file',
      );
    }
    const write = (password: string, tag: string | undefined): string =>
      formatServerUri({
        method: methodOf(server).name,
        password,
        host: name,
        port: upstreamEndpoint(server).port,
        ...present({ tag }),
      });
    const tag = args.last("tag") ?? server.tag;
    if (users === undefined) {
      const password = textOf(server);
      // A server's one key, or the chain of keys of a client of it.
      clientKeys(server);
      return write(password, tag);
    }
    const { method } = serverKeys(server);
    return users.map(({ name, secret }) =>
      write(
        userPassword(method, {
          serverKey: server.secret?.text,
          own: textOf(server, secret),
        }),
        tag === undefined ? name : `${tag} ${name}`,
      )
    );
  });
  return {
    result: [...new Set(urls)],
    warnings: [...found.warnings, ...secrets.warnings],
  };
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
