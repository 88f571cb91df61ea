/**
 * The configuration that `umbra doctor` checks. It is read as the services
 * themselves read it, for a local or for a server.
 *
 * @module
 */
import type { Method } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import type { ServerOptions } from "../../service/server/server.ts";
import type { Arguments } from "../options/args.ts";
import {
  type ConfiguredLocal,
  configureLocalOrRedir,
  configureServer,
} from "../config/config.ts";
import { type DnsSettings, dnsSettings } from "../config/dns_settings.ts";
import { readConfig } from "../config/find_servers.ts";
import { roleOfFile } from "../config/file_role.ts";
import { type Finding, findingsOf } from "./finding.ts";
import type { OperatorSettings } from "../config/operator_settings.ts";
import { option } from "../options/option_value.ts";
import { systemSources } from "../config/sources.ts";

const CONFIG = findingsOf("config");

/** A local or a server, or neither: then only the machine is checked. */
export type Subject =
  & {
    /** The methods in use, each once. */
    readonly methods: readonly Method[];
    /** The path of the configuration file, if there is one. */
    readonly file?: string | undefined;
    /** Those settings of the whole program that are checked. */
    readonly operator: Pick<
      OperatorSettings,
      | "admin"
      | "adminToken"
      | "adminCert"
      | "invite"
      | "manager"
      | "store"
      | "outbound"
    >;
  }
  & (
    | { readonly role: "none" }
    | {
      readonly role: "local";
      readonly options: readonly ConfiguredLocal[];
      /** The DNS inbound beside the locals; not set if there is none. */
      readonly dns: DnsSettings | undefined;
    }
    | { readonly role: "server"; readonly options: readonly ServerOptions[] }
  );

/**
 * Reads the configuration. An error in it is returned as a finding.
 *
 * @throws {ConfigError} When `--role` has no known value.
 */
export function readSubject(
  args: Arguments,
): { subject: Subject; findings: Finding[] } {
  const role = option(args, "role", readRole, "local or server");
  const file = args.last("config");
  const nothing = { role: "none", methods: [], file, operator: {} } as const;
  try {
    return read(args, role ?? guessRole(args, file), file) ??
      { subject: nothing, findings: [] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { subject: nothing, findings: [CONFIG.fail(error.message)] };
  }
}

function read(
  args: Arguments,
  role: "local" | "server" | undefined,
  file: string | undefined,
): { subject: Subject; findings: Finding[] } | undefined {
  if (role === "local") {
    const { result, warnings, operator } = configureLocalOrRedir(
      args,
      systemSources,
    );
    const methods = result.flatMap(({ servers }) =>
      servers.map(({ method }) => method)
    );
    return {
      subject: {
        ...base(methods, file, operator),
        role,
        options: result,
        dns: dnsSettings(args, systemSources, result),
      },
      findings: [
        understood(role, file),
        ...warnings.map((one) => CONFIG.warn(one)),
      ],
    };
  }
  if (role === "server") {
    const { result, warnings, operator } = configureServer(args, systemSources);
    const methods = result.map(({ method }) => method);
    return {
      subject: { ...base(methods, file, operator), role, options: result },
      findings: [
        understood(role, file),
        ...warnings.map((one) => CONFIG.warn(one)),
      ],
    };
  }
  return undefined;
}

function base(
  methods: readonly Method[],
  file: string | undefined,
  operator: Subject["operator"],
): Pick<Subject, "methods" | "file" | "operator"> {
  return { methods: [...new Set(methods)], file, operator };
}

function understood(role: string, file: string | undefined): Finding {
  return CONFIG.ok(
    file === undefined
      ? `the command line, read as that of ss-${role}`
      : `${file}, read as that of ss-${role} (--role says otherwise)`,
  );
}

function readRole(text: string): "local" | "server" | undefined {
  return text === "local" || text === "server" ? text : undefined;
}

/**
 * Returns the role that a command line is for. If it names a server, that is a
 * local.
 */
function guessRole(
  args: Arguments,
  file: string | undefined,
): "local" | "server" | undefined {
  if (args.operands.length > 0) return "local";
  if (file === undefined) {
    return args.all("server-addr").length > 0 ? "local" : undefined;
  }
  const object = readConfig(file, systemSources);
  return roleOfFile(object) === "server" ? "server" : "local";
}
