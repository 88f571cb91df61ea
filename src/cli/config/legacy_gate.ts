/**
 * What lets methods in that do not protect what they carry: nothing but the
 * operator's word.
 *
 * @module
 */
import { type Method, METHODS } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import type { Arguments } from "../options/args.ts";
import { LEGACY } from "../settings/legacy.ts";
import { complete, fromObject, fromOptions, merge } from "../settings/read.ts";
import type { ConfigObject } from "./config_file.ts";
import type { ServerKeys, SsrSettings } from "../../session/family.ts";
import { methodOf, ssrSettings } from "./credentials.ts";
import type { ServerSettings } from "./server_settings.ts";

/** True if the operator allows such methods. */
export function allowsLegacy(
  args: Arguments,
  file: ConfigObject | undefined,
): boolean {
  const said = merge(
    fromOptions(LEGACY, args),
    file && fromObject(LEGACY, file),
  );
  return complete(LEGACY, said).allowLegacy;
}

/**
 * Lets servers through whose methods may be used.
 *
 * @param allowed What {@link allowsLegacy} says.
 * @returns A warning for each method that does not protect.
 * @throws {ConfigError} `ERR_SS_METHOD_UNSUPPORTED` when one is not allowed.
 */
export function checkLegacy(
  servers: readonly ServerSettings[],
  allowed: boolean,
): string[] {
  const warnings = new Set<string>();
  for (const server of servers) {
    const method = methodOf(server);
    if (method.family.authenticates) continue;
    const name = describeMethod(serverSsr(server, method));
    if (!allowed) {
      throw new ConfigError(
        "ERR_SS_METHOD_UNSUPPORTED",
        `${server.origin}: ${name} does not protect what it carries from ` +
          `changes, and is not served unless --allow-legacy or ` +
          `"allow_legacy": true is given; methods that protect: ${
            METHODS.map(({ name }) => name).join(", ")
          }`,
      );
    }
    warnings.add(`legacy: ${name} ${weaknessOf(method)}`);
    const { mode = "tcp_only" } = server.service ?? {};
    if (method.family.name === "lightsocks" && mode !== "tcp_only") {
      warnings.add(`ignored: ${server.origin}: lightsocks has no UDP`);
    }
  }
  return [...warnings];
}

function serverSsr(server: ServerSettings, method: Method): MethodOfKeys {
  return {
    method,
    ...(method.userKind === "uid" && { ssr: ssrSettings(server) }),
  };
}

/** The method, as the keys give it. */
type MethodOfKeys = Pick<ServerKeys, "method"> & {
  readonly ssr?: SsrSettings;
};

/** A method with all that is around it, for people. */
export function describeMethod(
  { method: { name }, ssr }: MethodOfKeys,
): string {
  return ssr === undefined
    ? name
    : `ShadowsocksR (${name}, ${ssr.protocol}, ${ssr.obfs})`;
}

/** The weakness of a method, for an operator who has allowed it. */
export function weaknessOf({ name, family }: Method): string {
  switch (family.name) {
    case "lightsocks":
      return "replaces each byte by another, always the same: anyone who " +
        "listens finds the table by counting, and can change what passes";
    case "ShadowsocksR":
      return "authenticates little of what it carries, has disguises that " +
        "anybody sees through who knows them, and a key that is MD5 of the " +
        "password";
    default:
      return name === "none"
        ? "encrypts nothing: anyone who listens can read and change what passes"
        : "notices no change on the way: recordings can be decrypted through " +
          "the server, and probes can tell it";
  }
}
