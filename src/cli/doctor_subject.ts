/**
 * What `umbra doctor` is to look at: the same configuration that the services
 * would be started with, as one end or the other.
 *
 * @module
 */
import type { Method } from "../crypto/method.ts";
import { ConfigError } from "../errors.ts";
import type { LocalOptions } from "../service/local.ts";
import type { ServerOptions } from "../service/server.ts";
import type { Arguments } from "./args.ts";
import { configureLocal, configureServer } from "./config.ts";
import { type ConfigObject, parseConfig } from "./config_file.ts";
import type { Finding } from "./finding.ts";
import type { OperatorSettings } from "./operator_settings.ts";
import { option } from "./option_value.ts";
import { readText } from "./output.ts";
import { readHostAndPort } from "./values.ts";

/** One end of a proxy, or none: only the machine is looked at. */
export type Subject =
  & {
    /** Those in use, each once. */
    readonly methods: readonly Method[];
    /** The configuration file, if there is one. */
    readonly file?: string | undefined;
    /** Of the program as a whole. */
    readonly operator: OperatorSettings;
  }
  & (
    | { readonly role: "none" }
    | { readonly role: "local"; readonly options: readonly LocalOptions[] }
    | { readonly role: "server"; readonly options: readonly ServerOptions[] }
  );

/**
 * Reads the configuration; what is wrong with it is a finding, too.
 *
 * @throws {ConfigError} When `--role` is neither.
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
    const finding: Finding = {
      check: "config",
      verdict: "fail",
      detail: error.message,
    };
    return { subject: nothing, findings: [finding] };
  }
}

function read(
  args: Arguments,
  role: "local" | "server" | undefined,
  file: string | undefined,
): { subject: Subject; findings: Finding[] } | undefined {
  if (role === "local") {
    const { result, warnings, operator } = configureLocal(args, readText);
    const methods = result.flatMap(({ servers }) =>
      servers.map(({ method }) => method)
    );
    return {
      subject: { ...base(methods, file, operator), role, options: result },
      findings: [understood(role, file), ...warnings.map(toFinding)],
    };
  }
  if (role === "server") {
    const { result, warnings, operator } = configureServer(args, readText);
    const methods = result.map(({ method }) => method);
    return {
      subject: { ...base(methods, file, operator), role, options: result },
      findings: [understood(role, file), ...warnings.map(toFinding)],
    };
  }
  return undefined;
}

function base(
  methods: readonly Method[],
  file: string | undefined,
  operator: OperatorSettings,
): Pick<Subject, "methods" | "file" | "operator"> {
  return { methods: [...new Set(methods)], file, operator };
}

function understood(role: string, file: string | undefined): Finding {
  const detail = file === undefined
    ? `the command line, read as that of ss-${role}`
    : `${file}, read as that of ss-${role} (--role says otherwise)`;
  return { check: "config", verdict: "ok", detail };
}

function toFinding(warning: string): Finding {
  return { check: "config", verdict: "warn", detail: warning };
}

function readRole(text: string): "local" | "server" | undefined {
  return text === "local" || text === "server" ? text : undefined;
}

/**
 * Which end a command line is for. libev's files look the same for both: one
 * whose server is no address to connect to, or that has users, is a server's;
 * else one that names a server is a local's.
 */
function guessRole(
  args: Arguments,
  file: string | undefined,
): "local" | "server" | undefined {
  if (args.operands.length > 0) return "local";
  if (file === undefined) {
    return args.all("server-addr").length > 0 ? "local" : undefined;
  }
  const object = parseConfig(readText(file), file);
  const has = (...keys: string[]): boolean =>
    keys.some((key) => object.keys().includes(key));
  const hosts = hostsOf(object);
  if (hosts.length > 0 && hosts.every(isWildcard)) return "server";
  if (has("users", "port_password", "allow_private", "manager", "store")) {
    return "server";
  }
  const isLocal = has(
    ...["locals", "local_port", "local_address", "tunnel_address"],
  );
  return isLocal || hosts.length > 0 ? "local" : "server";
}

/** Every host of the file's servers, as far as one is text. */
function hostsOf(object: ConfigObject): string[] {
  const objects = [object, ...object.objects("servers")];
  return objects.flatMap((one) =>
    ["server", "address"].flatMap((key) =>
      one.get(key, (value) => [value].flat(), "a host") ?? []
    )
  ).filter((value) => typeof value === "string");
}

function isWildcard(text: string): boolean {
  return /^[0:.]*$/.test(readHostAndPort(text)?.host ?? text);
}
