/**
 * Finds and opens the fleet that a command works on.
 *
 * @module
 */
import {
  type FleetAdmin,
  openFleetAdmin,
} from "../../adapters/fleet/fleet_admin.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { findCommand } from "../commands/commands.ts";
import { type ConfiguredServer, configureServer } from "../config/config.ts";
import {
  type ConfiguredFleet,
  type FleetContents,
  fleetOf,
} from "../config/fleet_settings.ts";
import { operatorSettings } from "../config/operator_settings.ts";
import { Secrets } from "../config/secrets.ts";
import { systemSources } from "../config/sources.ts";
import { type Arguments, parseArguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";

/** An open fleet, with the options of the command line. */
export interface OpenFleet {
  readonly args: Arguments;
  readonly admin: FleetAdmin;
  /**
   * Returns the service of the users.
   *
   * @throws {ConfigError} When it is missing.
   */
  service(): string;
  /**
   * Returns the method of the service.
   *
   * @throws {ConfigError} When it is missing.
   */
  method(): Method;
}

/**
 * Opens the fleet that the command line or its configuration names, for one
 * action.
 *
 * @throws {UmbraError} When none is named, or it cannot be opened.
 */
export async function withFleet<T>(
  args: Arguments,
  action: (fleet: OpenFleet) => Promise<T>,
): Promise<T> {
  const { fleet, servers } = namedFleet(args);
  using admin = await openFleetAdmin(fleet);
  const service = (): string => serviceOf(args, servers);
  const method = (): Method => methodOf(args, servers);
  return await action({ args, admin, service, method });
}

/** The named fleet, and the servers of the configuration. */
export interface NamedFleet {
  readonly fleet: ConfiguredFleet;
  /** The settings as given, with the contents of their files. Secret. */
  readonly contents: FleetContents;
  /** The servers of the configuration; empty if none is given. */
  readonly servers: readonly ConfiguredServer[];
}

/**
 * Returns the fleet that the command line or its configuration names.
 *
 * @throws {ConfigError} When none is named.
 */
export function namedFleet(args: Arguments): NamedFleet {
  const file = args.last("config");
  const asServer = file === undefined
    ? undefined
    : parseArguments(findCommand("server")!, ["-c", file]);
  const configured = asServer && configureServer(asServer, systemSources);
  const secrets = new Secrets(systemSources);
  const said = operatorSettings("server", { args, file: undefined, secrets });
  const contents = said.fleet === undefined && configured !== undefined
    ? configured.operator
    : said;
  const fleet = contents.fleet && fleetOf(contents);
  if (fleet === undefined) {
    throw usage(
      "Missing fleet: give -c FILE of one of its servers, or --fleet URL and " +
        "--fleet-key FILE",
    );
  }
  return { fleet, contents, servers: configured?.result ?? [] };
}

/**
 * Returns the server on the named port, or the only one of the configuration.
 *
 * @throws {ConfigError} When there is no such server.
 */
export function serverOf(
  args: Arguments,
  servers: readonly ConfiguredServer[],
): ConfiguredServer {
  const port = serviceOf(args, servers);
  const found = servers.find(({ listen }) => String(listen.port) === port);
  if (found !== undefined) return found;
  throw usage("Missing server: give -c FILE of one, and --server PORT");
}

/** Returns the named port, or the one of the configuration. */
function serviceOf(
  args: Arguments,
  servers: readonly ConfiguredServer[],
): string {
  const named = args.last("server");
  if (named !== undefined) return named;
  const ports = servers.map(({ listen }) => String(listen.port));
  const [only, second] = new Set(ports);
  if (only !== undefined && second === undefined) return only;
  throw usage("Users of which port? Give --server PORT");
}

/** Returns the named method, or the one of the server on the port. */
function methodOf(
  args: Arguments,
  servers: readonly ConfiguredServer[],
): Method {
  const word = args.last("method");
  if (word !== undefined) return findMethod(word);
  const port = serviceOf(args, servers);
  const found = servers.find(({ listen }) => String(listen.port) === port);
  if (found !== undefined) return found.method;
  throw usage("For which method? Give --method METHOD");
}
