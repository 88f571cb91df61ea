/**
 * Command line + configuration file → the `ss://` URIs of the servers.
 *
 * @module
 */
import { formatServerUri } from "../../codec/uri.ts";
import type { Arguments } from "../args.ts";
import { DEFAULT_SERVER_HOST } from "../commands/defaults.ts";
import { methodOf, secretOf, serverKeys } from "./credentials.ts";
import { Secrets, type Sources } from "./secrets.ts";
import type { ServerSettings } from "./server_settings.ts";
import {
  findServers,
  isWildcard,
  listed,
  missing,
  present,
  readFile,
  upstreamEndpoint,
} from "./find_servers.ts";
import type { Configured } from "./config.ts";

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
  const host = args.last("host");
  const urls = listed(found, secrets).flatMap((server) => {
    const { users } = server;
    const password = users === undefined ? passwordOf(server) : "";
    const name = host ?? server.host ?? DEFAULT_SERVER_HOST;
    if (isWildcard(name)) {
      throw missing(
        `${server.origin}: ${name} is no address to connect to`,
        "give --host NAME",
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
    const { method } = serverKeys(server);
    if (users === undefined) return write(password, tag);
    // One URI for each user; with 2022 the server's key stands before its own.
    const prefix = method.edition === 2022 ? `${passwordOf(server)}:` : "";
    return users.map((user) =>
      write(
        prefix + user.secret.text,
        tag === undefined ? user.name : `${tag} ${user.name}`,
      )
    );
  });
  return {
    result: [...new Set(urls)],
    warnings: [...found.warnings, ...secrets.warnings],
  };
}

/** A secret as a URI has it. */
function passwordOf(server: ServerSettings): string {
  const { kind, text, origin } = secretOf(server);
  if (kind === "password" || methodOf(server).edition === 2022) return text;
  throw missing(`${origin}: a raw key has no ss:// form`, "use a password");
}
