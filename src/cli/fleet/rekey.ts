/**
 * `umbra fleet rekey` replaces the fleet key while servers run. It takes three
 * runs. Between them the operator copies the key file to the servers:
 *
 * 1. A second key is added to the file. It only opens passwords.
 * 2. When every server has the second key, it becomes the current key, and all
 *    passwords are sealed again with it.
 * 3. When every server seals with the second key, the first key is removed from
 *    the file.
 *
 * @module
 */
import {
  type FleetAdmin,
  openFleetAdmin,
} from "../../adapters/fleet/fleet_admin.ts";
import { FleetKeys } from "../../adapters/fleet/fleet_keys.ts";
import { badValue, ConfigError } from "../../errors.ts";
import type { FleetNode } from "../../fleet.ts";
import {
  FLEET_KEY_LENGTH,
  FLEET_WATCH_MS,
  NODE_BEAT_MS,
} from "../../limits.ts";
import { systemRandomBytes } from "../../random.ts";
import { nodeState } from "../../service/fleet/node_state.ts";
import { readFleetKeys } from "../config/fleet_settings.ts";
import { readBytes } from "../file_failure.ts";
import { KeptFile } from "../kept_file.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { namedFleet } from "./open_fleet.ts";

/**
 * Runs the next step.
 *
 * @returns The result and the next steps, as text.
 * @throws {UmbraError} When the step is not possible yet; nothing has changed
 * then.
 */
export async function rekeyFleet(args: Arguments): Promise<string> {
  const path = args.last("fleet-key");
  if (path === undefined) {
    throw usage("Name the key file, which is written: --fleet-key FILE");
  }
  const { fleet } = namedFleet(args);
  const line = readLine(path);
  const keys = readFleetKeys(line);
  using admin = await openFleetAdmin({ ...fleet, keys });
  const step = { admin, keys, path, words: line.split(/\s+/) };
  if (step.words.length === 1) return addKey(step);
  const other = keys.checks.find((check) => check !== keys.check)!;
  return admin.oldCheck === other
    ? await removeKey(step)
    : await useKey(step, other);
}

/** The input of a step. */
interface Step {
  readonly admin: FleetAdmin;
  readonly keys: FleetKeys;
  /** The path of the key file. */
  readonly path: string;
  /** The keys in the file, in base64. */
  readonly words: readonly string[];
}

function addKey({ keys, path, words }: Step): string {
  let next: Uint8Array;
  // The id of a key has only seven bits, and must differ from that of the other
  // key.
  do next = systemRandomBytes(FLEET_KEY_LENGTH); while (
    new FleetKeys([next]).ids[0] === keys.ids[0]
  );
  writeLine(path, [...words, next.toBase64()]);
  return `${path} now contains a second key, which does not seal yet.
Copy it to every server, reload each (SIGHUP), and run umbra fleet rekey again.
`;
}

async function useKey(step: Step, check: string): Promise<string> {
  const { admin, keys, path, words } = step;
  const [id] = new FleetKeys([wordOf(step, check)]).ids;
  await checkNodes(
    step,
    ({ keyIds }) => keyIds.includes(id!),
    "do not have the second key",
  );
  if (!await admin.switchKey(check)) {
    throw badValue(
      "Another administrator changed the fleet key: run the command again",
    );
  }
  const count = await admin.sealAgain();
  // The first key of a file is the current one until the fleet names another.
  writeLine(path, [
    ...words.filter((_, at) => keys.checks[at] === check),
    ...words.filter((_, at) => keys.checks[at] !== check),
  ]);
  return `The second key is now in use, and the keys of ${count} users were sealed with it.
Servers follow within ${
    FLEET_WATCH_MS / 1_000
  } s. Then run umbra fleet rekey once more, to remove the first key.
`;
}

async function removeKey(step: Step): Promise<string> {
  const { admin, keys, path, words } = step;
  const [current] = keys.ids;
  await checkNodes(
    step,
    ({ keyIds }) => keyIds[0] === current,
    "still seal with the first key",
  );
  // Another command may have sealed passwords with the old key meanwhile.
  await admin.sealAgain();
  writeLine(path, words.filter((_, at) => keys.checks[at] === keys.check));
  await admin.forgetOldKey();
  return `${path} now contains only the new key.
Copy it to every server and reload each; the old key is no longer used.
`;
}

/**
 * Checks that every running server is ready for the next step.
 *
 * @param fault The fault of servers that are not ready, for the message.
 * @throws {ConfigError} When a server is not ready.
 */
async function checkNodes(
  { admin, path }: Step,
  isFit: (node: FleetNode) => boolean,
  fault: string,
): Promise<void> {
  const list = await admin.nodes();
  const unfit = list.nodes.filter((node) =>
    nodeState(node, list) !== "lost" && !isFit(node)
  );
  if (unfit.length === 0) return;
  const names = unfit.map(({ node }) => node).join(", ");
  throw badValue(
    `These servers ${fault}: ${names}; copy ${path} to them, reload each, ` +
      `and try again after ${NODE_BEAT_MS / 1_000} s`,
  );
}

function wordOf({ keys, words }: Step, check: string): Uint8Array {
  return Uint8Array.fromBase64(words[keys.checks.indexOf(check)]!);
}

function readLine(path: string): string {
  return new TextDecoder().decode(readBytes(path)).trim();
}

/** Replaces the key file atomically. */
function writeLine(path: string, words: readonly string[]): void {
  try {
    new KeptFile(path).write(new TextEncoder().encode(`${words.join(" ")}\n`));
  } catch (error) {
    throw new ConfigError("ERR_CONFIG_FILE", (error as Error).message, {
      cause: error,
    });
  }
}
