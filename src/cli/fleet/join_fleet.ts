/**
 * `umbra fleet token` and `umbra fleet join` add a server to a fleet by one
 * line of text.
 *
 * @module
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openFleetAdmin } from "../../adapters/fleet/fleet_admin.ts";
import {
  formatFleetUrl,
  parseFleetUrl,
} from "../../adapters/fleet/engine_url.ts";
import { formatMs } from "../../admin/units.ts";
import { findMethod } from "../../crypto/method.ts";
import { badValue, ConfigError } from "../../errors.ts";
import { FLEET_CLOCK_WARN_S } from "../../limits.ts";
import { systemRandomBytes } from "../../random.ts";
import { nodeState } from "../../service/fleet/node_state.ts";
import { fleetOf } from "../config/fleet_settings.ts";
import { fileError } from "../file_failure.ts";
import type { Arguments } from "../options/args.ts";
import { hostName } from "../run/open_member.ts";
import { FLEET } from "../settings/fleet.ts";
import { fromOptions } from "../settings/read.ts";
import { generateKey } from "../tools/genkey.ts";
import {
  formatToken,
  isToken,
  type JoinToken,
  parseToken,
} from "./join_token.ts";
import { namedFleet, serverOf } from "./open_fleet.ts";

/**
 * Returns the line with which another server joins the fleet of a
 * configuration. Secret.
 *
 * @throws {ConfigError} When the configuration has no fleet.
 */
export function tokenOf(args: Arguments): string {
  const { servers, contents } = namedFleet(args);
  const { listen, method, mode, secrets } = serverOf(args, servers);
  const { fleetKey, fleetAuth, fleetCa, fleetPlain, fleetOutage } = contents;
  const sharesKey = args.has("same-key");
  const token: JoinToken = {
    fleet: formatFleetUrl(contents.fleet!),
    key: fleetKey!,
    ...fleetAuth !== undefined && { auth: fleetAuth },
    ...fleetCa !== undefined && { ca: fleetCa },
    ...fleetPlain && { plain: true },
    ...fleetOutage === "strict" && { outage: fleetOutage },
    port: listen.port,
    method: method.name,
    ...mode !== undefined && { mode },
    ...sharesKey && secrets.own && { password: secrets.own.text },
  };
  return `${formatToken(token)}\n`;
}

/**
 * Creates the configuration of another server.
 *
 * @param word The line, the path of a file that contains it, or `-` for
 * standard input.
 * @param folder The folder of the new files. Default: the working directory.
 * @returns The created files and the next steps, as text.
 * @throws {UmbraError} When the engine refuses; no file is created then.
 */
export async function joinFleet(
  args: Arguments,
  word: string,
  folder = ".",
): Promise<string> {
  const token = parseToken(lineOf(word));
  const { node = hostName() } = fromOptions(FLEET, args);
  const files = filesOf(token, node);
  const taken = [...files.keys()].map((name) => join(folder, name))
    .find((path) => existsSync(path));
  if (taken !== undefined) {
    throw new ConfigError(
      "ERR_CONFIG_FILE",
      `${taken} exists already: name another folder behind the line`,
    );
  }
  const known = await lookAround(token, node);
  write(folder, files);
  const config = join(folder, "server.json");
  return `${config} is the configuration of server ${node}.
${known}
Start it: umbra server -c ${config}
`;
}

/** @throws {ConfigError} When the file cannot be read. */
function lineOf(word: string): string {
  if (isToken(word)) return word;
  try {
    // 0 is the descriptor of standard input.
    return readFileSync(word === "-" ? 0 : word, "utf8").trim();
  } catch (error) {
    throw fileError(`Cannot read ${word}`, error, "read");
  }
}

/**
 * Asks the engine if this server may join.
 *
 * @returns A summary for the operator.
 * @throws {ConfigError} When a node of this name exists.
 */
async function lookAround(
  { fleet: url, key, auth, ca, plain }: JoinToken,
  node: string,
): Promise<string> {
  const place = parseFleetUrl(url);
  const fleet = place && fleetOf({
    fleet: place,
    fleetKey: key,
    ...auth !== undefined && { fleetAuth: auth },
    ...ca !== undefined && { fleetCa: ca },
    ...plain && { fleetPlain: plain },
    node,
  });
  if (fleet === undefined) {
    throw badValue(
      "The line names no engine: make it again with umbra fleet token",
    );
  }
  using admin = await openFleetAdmin(fleet);
  const { answerMs, clockOffsetMs } = await admin.engine();
  const list = await admin.nodes();
  const other = list.nodes.find((one) => one.node === node);
  if (other !== undefined && nodeState(other, list) !== "lost") {
    throw badValue(`The fleet has a server ${node} already: give --node NAME`);
  }
  const offsetS = clockOffsetMs / 1_000;
  const clock = Math.abs(offsetS) > FLEET_CLOCK_WARN_S
    ? `This machine's clock is ${
      Math.round(Math.abs(offsetS))
    } s off: set it ` +
      "by NTP."
    : "The clocks agree.";
  return `The engine answers after ${formatMs(answerMs)}. ${clock}`;
}

/** Returns the contents of a server's files, by name. Secret. */
function filesOf(token: JoinToken, node: string): Map<string, string> {
  const { fleet, key, auth, ca, plain, outage, port, mode } = token;
  const method = findMethod(token.method);
  const password = token.password ?? generateKey(method, systemRandomBytes);
  const config = {
    server: "::",
    ["server_port"]: port,
    ...mode !== undefined && { mode },
    method: method.name,
    password,
    store: "umbra.db",
    fleet,
    ["fleet_key"]: "fleet.key",
    ...auth !== undefined && { fleet_auth_file: "fleet.auth" },
    ...ca !== undefined && { fleet_ca: "fleet-ca.pem" },
    ...plain && { fleet_plain: true },
    ...outage !== undefined && { fleet_outage: outage },
    node,
  };
  return new Map([
    ["server.json", `${JSON.stringify(config, undefined, 2)}\n`],
    ["fleet.key", `${key}\n`],
    ...auth === undefined ? [] : [["fleet.auth", `${auth}\n`] as const],
    ...ca === undefined ? [] : [["fleet-ca.pem", ca] as const],
  ]);
}

function write(folder: string, files: ReadonlyMap<string, string>): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    for (const [name, text] of files) {
      writeFileSync(join(folder, name), text, { mode: 0o600, flag: "wx" });
    }
  } catch (error) {
    throw fileError(`Cannot make files in ${folder}`, error, "write");
  }
}
