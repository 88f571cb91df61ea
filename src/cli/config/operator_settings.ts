/**
 * The settings of the program that belong to none of its servers: the
 * operator's port, the manager, the store of users, the log, threads and ports.
 * They are read from the command line and the top of the configuration file.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import type { OutboundAddresses, SocketOptions } from "../../transport.ts";
import { DEFAULT_LOG_PRIVACY } from "../log/log_privacy.ts";
import type { Arguments } from "../options/args.ts";
import {
  ADMIN,
  CONTROL,
  type ControlSettings,
  LOG,
  type LogSettings,
  RUNNING,
  type RunningSettings,
} from "../settings/program.ts";
import { FLEET } from "../settings/fleet.ts";
import { complete, fromObject, fromOptions } from "../settings/read.ts";
import { OUTBOUND } from "../settings/network.ts";
import { NAMES, SOCKETS } from "../settings/sockets.ts";
import type { AnySettings } from "../settings/setting.ts";
import type { NamedConfig } from "./config_file.ts";
import { interfaceOf } from "./outbound_settings.ts";
import type { FleetContents } from "./fleet_settings.ts";
import { locate, readHidden, type Secrets } from "./secrets.ts";

/** The settings of the program, with defaults. */
export interface OperatorSettings
  extends
    RunningSettings,
    LogSettings,
    SocketOptions,
    FleetContents,
    Partial<Omit<ControlSettings, "adminTokenFile">> {
  /** The line of `admin_token_file`. Secret; must not be logged. */
  readonly adminToken?: string;
  /** True if IPv6 addresses of a name are tried before IPv4 addresses. */
  readonly ipv6First: boolean;
  /** The source addresses of outgoing traffic; default: the system chooses. */
  readonly outbound?: OutboundAddresses;
}

/** The settings whose value is the content of a file. */
type SecretFile = "adminTokenFile" | "fleetKey" | "fleetAuthFile" | "fleetCa";

const TABLE = {
  ...RUNNING,
  ...LOG,
  ...ADMIN,
  ...CONTROL,
  ...SOCKETS,
  ...NAMES,
  ...FLEET,
};

/**
 * The row of the settings table from which each of {@link OperatorSettings} is
 * read.
 */
export const OPERATOR_ROWS: AnySettings = {
  ...TABLE,
  adminToken: ADMIN.adminTokenFile,
  fleetAuth: FLEET.fleetAuthFile,
  outbound: OUTBOUND.both,
};

/**
 * Reads command line and file; an option overrides the file. A path in the file
 * is relative to the folder of the file.
 *
 * @param role The role, which decides the defaults of the log.
 * @param file Not set if there is no configuration file.
 * @throws {ConfigError} With the place of the mistake.
 */
export function operatorSettings(
  role: "server" | "local",
  { args, file, secrets }: {
    readonly args: Arguments;
    readonly file: NamedConfig | undefined;
    readonly secrets: Secrets;
  },
): OperatorSettings {
  const chosen = fromOptions(TABLE, args);
  const filed = file === undefined ? {} : fromObject(TABLE, file.object);
  /**
   * Returns the path of an option or of the file, and its place for messages.
   */
  const path = (
    name: SecretFile | (typeof PATHS)[number],
  ): readonly [string, string] | undefined => {
    const { flag, key } = TABLE[name];
    const [option, inFile] = [chosen[name], filed[name]];
    if (option !== undefined) return [resolve(option), `--${flag}`];
    return inFile === undefined || file === undefined
      ? undefined
      : [resolve(dirname(file.name), inFile), file.object.where(key!)];
  };
  const tokenFile = path("adminTokenFile");
  const interfaceName = interfaceOf(args);
  const keyFile = path("fleetKey");
  const authFile = path("fleetAuthFile");
  const caFile = path("fleetCa");
  const paths = PATHS.flatMap((name) => {
    const [resolved] = path(name) ?? [];
    return resolved === undefined ? [] : [[name, resolved]];
  });
  const {
    adminTokenFile: _token,
    fleetKey: _key,
    fleetAuthFile: _auth,
    fleetCa: _ca,
    ...said
  } = complete(TABLE, {
    logPrivacy: DEFAULT_LOG_PRIVACY[role],
    ...filed,
    ...chosen,
    ...interfaceName !== undefined && { interfaceName },
  });
  return {
    ...said,
    ...tokenFile && { adminToken: secrets.read(...tokenFile).text },
    ...keyFile && { fleetKey: secrets.read(...keyFile).text },
    ...authFile && { fleetAuth: secrets.read(...authFile).text },
    ...caFile && {
      fleetCa: locate(
        caFile[1],
        () => readHidden(caFile[0], secrets.sources),
      ),
    },
    ...Object.fromEntries(paths),
  };
}

/** Settings that are paths, relative to the folder of their file. */
const PATHS = [
  "store",
  "adminCert",
  "adminKey",
  "inviteCert",
  "inviteKey",
] as const;

/** Reads `public_host` of a file. @throws {ConfigError} With its place. */
export function publicHostOf(file: NamedConfig): string | undefined {
  const { publicHost } = CONTROL;
  return fromObject({ publicHost }, file.object).publicHost;
}
