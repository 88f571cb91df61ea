/**
 * `umbra fleet doctor` checks the engine of a fleet, its servers, and the
 * sealed keys of its users.
 *
 * @module
 */
import process from "node:process";
import {
  type FleetAdmin,
  openFleetAdmin,
} from "../../adapters/fleet/fleet_admin.ts";
import { systemTransport } from "../../adapters/net/system.ts";
import { Deadline, systemClock } from "../../clock.ts";
import { formatAddress } from "../../codec/address.ts";
import { ConfigError, messageOf, UmbraError } from "../../errors.ts";
import type { NodeList } from "../../fleet.ts";
import { FLEET_DOCTOR_DIALS, FLEET_DOCTOR_WAIT_MS } from "../../limits.ts";
import { nodeState } from "../../service/fleet/node_state.ts";
import {
  type Finding,
  findingsOf,
  formatFinding,
  formatJson,
  formatSummary,
  isHealthy,
} from "../doctor/finding.ts";
import { reach } from "../doctor/probe_server.ts";
import type { ConfiguredFleet } from "../config/fleet_settings.ts";
import type { Arguments } from "../options/args.ts";
import { print } from "../output.ts";
import {
  judgeEngine,
  judgeNodes,
  judgeSeals,
  type Silence,
} from "./judge_fleet.ts";
import { namedFleet } from "./open_fleet.ts";

/**
 * Runs the checks and prints the findings.
 *
 * @returns True if no check failed.
 * @throws {ConfigError} When the command line or the configuration is wrong.
 */
export async function runFleetDoctor(args: Arguments): Promise<boolean> {
  const { fleet } = namedFleet(args);
  const json = args.has("json");
  const colour = process.stdout.isTTY === true;
  const findings: Finding[] = [];
  for await (const finding of examine(fleet)) {
    findings.push(finding);
    if (!json) await print(formatFinding(finding, colour));
  }
  await print(json ? formatJson(findings) : formatSummary(findings));
  return isHealthy(findings);
}

async function* examine(
  place: ConfiguredFleet,
): AsyncGenerator<Finding> {
  let opened: FleetAdmin;
  try {
    opened = await openFleetAdmin(place);
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    yield findingsOf("engine").fail(
      error.message,
      // The message of a configuration error contains the advice already.
      error instanceof ConfigError
        ? undefined
        : "see if it runs, its address in fleet, its firewall, and the user " +
          "in fleet_auth_file",
    );
    return;
  }
  using admin = opened;
  yield* judgeEngine(await admin.engine());
  const list = await admin.nodes();
  const { sealedBy, unopened } = await admin.seals();
  yield judgeSeals(sealedBy, unopened);
  yield* judgeNodes(list, await findSilences(list), sealedBy);
}

/** Returns the addresses of nodes that do not accept a connection from here. */
async function findSilences(list: NodeList): Promise<Silence[]> {
  const places = list.nodes
    .filter((node) => nodeState(node, list) !== "lost")
    .flatMap(({ node, services }) =>
      services.filter(({ mode }) => mode !== "udp_only")
        .map(({ host, service }) => ({ node, host, port: Number(service) }))
    );
  const silences: Silence[] = [];
  for (let i = 0; i < places.length; i += FLEET_DOCTOR_DIALS) {
    const batch = places.slice(i, i + FLEET_DOCTOR_DIALS);
    const reasons = await Promise.all(batch.map(tryPlace));
    for (const [at, reason] of reasons.entries()) {
      const { node, host, port } = batch[at]!;
      if (reason === undefined) continue;
      silences.push({ node, address: formatAddress({ host, port }), reason });
    }
  }
  return silences;
}

/**
 * @returns The reason why the address accepts no connection; `undefined` if it
 * does.
 */
async function tryPlace(
  { host, port }: { readonly host: string; readonly port: number },
): Promise<string | undefined> {
  const world = {
    clock: systemClock,
    transport: systemTransport(),
    waitMs: FLEET_DOCTOR_WAIT_MS,
  };
  using deadline = new Deadline(systemClock, { delayMs: world.waitMs });
  try {
    const addresses = await world.transport.resolve(host, deadline);
    await reach(addresses, port, world);
    return undefined;
  } catch (error) {
    if (error instanceof UmbraError) return messageOf(error);
    throw error;
  }
}
