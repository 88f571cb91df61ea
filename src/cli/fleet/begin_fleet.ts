/**
 * Creates a fleet and its key, and lists the next steps of the operator.
 *
 * @module
 */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { foundFleet } from "../../adapters/fleet/fleet_admin.ts";
import { parseFleetUrl } from "../../adapters/fleet/engine_url.ts";
import { FLEET_KEY_LENGTH } from "../../limits.ts";
import { systemRandomBytes } from "../../random.ts";
import { fleetOf } from "../config/fleet_settings.ts";
import { operatorSettings } from "../config/operator_settings.ts";
import { Secrets } from "../config/secrets.ts";
import { systemSources } from "../config/sources.ts";
import { fileError } from "../file_failure.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";

/**
 * Creates a fleet. An existing key file is used.
 *
 * @returns The next steps, as text.
 * @throws {UmbraError} When that fails; no new key file is left then.
 */
export async function beginFleet(args: Arguments): Promise<string> {
  const url = args.last("fleet");
  const keyPath = args.last("fleet-key");
  if (url === undefined || keyPath === undefined) {
    throw usage("No engine: give --fleet URL and --fleet-key FILE");
  }
  const isNew = !existsSync(keyPath);
  if (isNew) writeKey(keyPath);
  try {
    const secrets = new Secrets(systemSources);
    const said = operatorSettings("server", { args, file: undefined, secrets });
    const { address, fleet, keys } = fleetOf(said)!;
    await foundFleet({ address, fleet, keys });
    return nextSteps(url, resolve(keyPath), fleet);
  } catch (error) {
    if (isNew) rmSync(keyPath, { force: true });
    throw error;
  }
}

function writeKey(path: string): void {
  const key = systemRandomBytes(FLEET_KEY_LENGTH).toBase64();
  try {
    writeFileSync(path, `${key}\n`, { mode: 0o600, flag: "wx" });
  } catch (error) {
    throw fileError(`Cannot write ${path}`, error, "write");
  }
}

function nextSteps(url: string, keyPath: string, fleet: string): string {
  const isSecure = parseFleetUrl(url)?.isSecure === true;
  return `The fleet ${fleet} has begun. Its key is in ${keyPath}: copy it to
every server, and keep it apart from the engine.

On the engine, so that nothing is lost and no one else gets in:
  CONFIG SET appendonly yes
  CONFIG SET maxmemory-policy noeviction
  ACL SETUSER umbra on >PASSWORD ~umbra:${fleet}:* +@all -@admin -@dangerous +info

In the configuration of each server, with a node of its own:
${
    JSON.stringify(
      {
        fleet: url,
        fleet_key: keyPath,
        fleet_auth_file: "/etc/umbra/fleet.auth",
        node: "NAME",
        ...!isSecure && /^(valkey|redis)/.test(url) && { fleet_plain: true },
      },
      undefined,
      2,
    ).replace(/^/gm, "  ")
  }

Then add users: umbra fleet user add NAME -c FILE
`;
}
