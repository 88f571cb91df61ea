/**
 * What the command line and the top of a configuration file say of the running
 * program rather than of its servers: the operator's port, the manager, the
 * store of users, the log, threads and ports.
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

/** What was asked for, with the defaults of what was not. */
export interface OperatorSettings
  extends
    RunningSettings,
    LogSettings,
    SocketOptions,
    FleetContents,
    Partial<Omit<ControlSettings, "adminTokenFile">> {
  /** The line of `admin_token_file`. Never logged. */
  readonly adminToken?: string;
  /** True if names have their IPv6 addresses first. */
  readonly ipv6First: boolean;
  /** Where everything leaves from; not set: the system chooses. */
  readonly outbound?: OutboundAddresses;
}

/** Files of which the content is a setting. */
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

/** The row that each of {@link OperatorSettings} comes of. */
export const OPERATOR_ROWS: AnySettings = {
  ...TABLE,
  adminToken: ADMIN.adminTokenFile,
  fleetAuth: FLEET.fleetAuthFile,
  outbound: OUTBOUND.both,
};

/**
 * Command line and file as one; an option beats the file. A path in the file
 * is relative to the file.
 *
 * @param role Whose log it is.
 * @param file Not set: no file was given.
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
  /** An option's path, or the file's, and where it was written. */
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

/** Settings that are paths, relative to the file in which they stand. */
const PATHS = [
  "store",
  "adminCert",
  "adminKey",
  "inviteCert",
  "inviteKey",
] as const;

/** `public_host` of a file. @throws {ConfigError} With its place. */
export function publicHostOf(file: NamedConfig): string | undefined {
  const { publicHost } = CONTROL;
  return fromObject({ publicHost }, file.object).publicHost;
}
