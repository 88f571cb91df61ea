/**
 * Refuses methods that do not protect what they carry, unless the operator
 * allows them explicitly.
 *
 * @module
 */
import { type Method, METHODS } from "../../crypto/method.ts";
import { ConfigError } from "../../errors.ts";
import type { Arguments } from "../options/args.ts";
import { LEGACY } from "../settings/legacy.ts";
import { complete, fromBoth } from "../settings/read.ts";
import type { ConfigObject } from "./config_file.ts";
import type { ServerKeys, SsrSettings } from "../../session/family.ts";
import { methodOf, ssrSettings } from "./credentials.ts";
import type { ServerSettings } from "./server_settings.ts";

/** True if the operator allows such methods. */
export function allowsLegacy(
  args: Arguments,
  file: ConfigObject | undefined,
): boolean {
  return complete(LEGACY, fromBoth(LEGACY, args, file)).allowLegacy;
}

/**
 * Checks that the methods of servers may be used.
 *
 * @param allowed The result of {@link allowsLegacy}.
 * @returns A warning for each method that does not protect what it carries.
 * @throws {ConfigError} `ERR_SS_METHOD_UNSUPPORTED` if a method is not allowed.
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

/** The part of the keys that names the method. */
type MethodOfKeys = Pick<ServerKeys, "method"> & {
  readonly ssr?: SsrSettings;
};

/** Returns a method and its layers in words. */
export function describeMethod(
  { method: { name }, ssr }: MethodOfKeys,
): string {
  return ssr === undefined
    ? name
    : `ShadowsocksR (${name}, ${ssr.protocol}, ${ssr.obfs})`;
}

/** Describes the weakness of a method, for an operator who allows it. */
export function weaknessOf({ name, family }: Method): string {
  switch (family.name) {
    case "lightsocks":
      return "replaces each byte by a fixed other byte: an observer can " +
        "derive the table by counting, and change the traffic";
    case "ShadowsocksR":
      return "authenticates little of the traffic, has obfuscation that is " +
        "easy to recognize, and a key that is the MD5 hash of the " +
        "password";
    default:
      return name === "none"
        ? "encrypts nothing: an observer can read and change the traffic"
        : "does not detect changes of the traffic: recordings can be decrypted with " +
          "the help of the server, and probes can recognize it";
  }
}
