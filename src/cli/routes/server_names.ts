/**
 * The names that routes have for the servers of a configuration file.
 *
 * @module
 */
import { uniqueNames } from "../../service/outbound/servers/server_group.ts";
import { findCommand } from "../commands/commands.ts";
import { sharesOf } from "../config/balancer_settings.ts";
import {
  findServers,
  readFile,
  upstreamEndpoint,
} from "../config/find_servers.ts";
import { Secrets, type Sources } from "../config/secrets.ts";
import { parseArguments } from "../options/args.ts";

/**
 * Returns the names of the servers of a file, without those of a published
 * list.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function serverNames(name: string, sources: Sources): string[] {
  const args = parseArguments(findCommand("local")!, ["-c", name]);
  const file = readFile(args, sources);
  const { servers, unnamed } = findServers(
    args,
    file,
    new Secrets(sources, file),
  );
  const shares = sharesOf(servers, unnamed.service?.mode);
  return uniqueNames(
    servers.map((server, i) => ({
      endpoint: upstreamEndpoint(server),
      ...shares[i],
    })),
  );
}
