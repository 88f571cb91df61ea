/**
 * Joins the operator's port and the manager with the runtime: both off unless
 * they are asked for.
 *
 * @module
 */
import {
  type HttpAddress,
  type HttpServer,
  serveHttp,
} from "../../adapters/net/http_server.ts";
import { bindUnixDatagrams } from "../../adapters/net/unix_datagrams.ts";
import {
  type AdminOptions,
  type AdminPage,
  createAdminHandler,
} from "../../admin/admin_handler.ts";
import {
  bindManager,
  checkManager,
  startManager,
} from "../../admin/manager.ts";
import type { Minute } from "../../admin/day_history.ts";
import type { Operator } from "../../admin/operator.ts";
import type { Clock } from "../../clock.ts";
import type { Logger } from "../../observe.ts";
import type { Endpoint, Transport } from "../../transport.ts";
import { ADMIN_DESCRIPTOR_SHARE, MAX_ADMIN_CONNECTIONS } from "../../limits.ts";
import { explainListening } from "./fleet.ts";
import type { OperatorSettings } from "../config/operator_settings.ts";
import { formatAdminAddress } from "../settings/program.ts";
import { startOrWait, type Stoppable } from "./take_over.ts";

/** What was asked for; what is not set was not. */
export type AdminSettings = Pick<
  OperatorSettings,
  | "admin"
  | "adminToken"
  | "adminHosts"
  | "manager"
  | "managerAnywhere"
  // To wait for addresses that another process has.
  | "reusePort"
>;

/** What it works with. */
export interface AdminWorld {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The dashboard; not set: there is none. */
  readonly page?: AdminPage;
  /** The last day. */
  readonly history?: () => readonly Minute[];
  /** See {@link AdminOptions.requests}. */
  readonly requests?: AdminOptions["requests"];
}

/**
 * Tells whether others could reach unasked what was asked for; better before
 * anything listens.
 *
 * @throws {ConfigError} When they could.
 */
export function checkAdmin(
  settings: AdminSettings,
  operator: Operator,
  world: AdminWorld,
): void {
  const { admin, manager, managerAnywhere = false } = settings;
  if (admin !== undefined) {
    adminHandler(admin, settings, { operator, ...world });
  }
  if (manager !== undefined && "host" in manager && !managerAnywhere) {
    checkManager(manager.host);
  }
}

/**
 * Starts what was asked for.
 *
 * @returns What stops it; nothing runs when there is nothing to stop.
 * @throws {ConfigError} When others could reach it unasked.
 * @throws {TransportError} When it cannot listen; nothing runs then.
 */
export async function startAdmin(
  settings: AdminSettings,
  operator: Operator,
  world: AdminWorld,
): Promise<Stoppable> {
  const { admin, manager } = settings;
  const running: Stoppable[] = [];
  const stop = async (graceMs: number): Promise<void> => {
    await Promise.all(running.map((one) => one.stop(graceMs)));
  };
  const start = async (
    what: string,
    open: () => Promise<Stoppable>,
  ): Promise<void> => {
    const wait = settings.reusePort ?? false;
    running.push(await startOrWait(open, { ...world, what, wait }));
  };
  try {
    if (admin !== undefined) {
      const handler = adminHandler(admin, settings, { operator, ...world });
      await start(
        "the operator's port",
        () => openPort(admin, handler, world),
      );
    }
    if (manager !== undefined) {
      await start(
        "the manager's port",
        () => openManager(manager, settings, { operator, ...world }),
      );
    }
  } catch (error) {
    await stop(0);
    throw error;
  }
  return { stop };
}

type World = AdminWorld & { readonly operator: Operator };

function adminHandler(
  admin: HttpAddress,
  { adminHosts, adminToken }: AdminSettings,
  world: World,
): ReturnType<typeof createAdminHandler> {
  return createAdminHandler({
    ...world,
    host: "host" in admin ? admin.host : undefined,
    names: adminHosts,
    token: adminToken,
  });
}

async function openPort(
  admin: HttpAddress,
  handler: ReturnType<typeof createAdminHandler>,
  { logger, transport }: AdminWorld,
): Promise<HttpServer> {
  // Deno's listener dies of the first connection it has no descriptor for.
  const maxConnections = Math.min(
    MAX_ADMIN_CONNECTIONS,
    Math.floor(
      (transport.descriptorLimit() ?? Infinity) * ADMIN_DESCRIPTOR_SHARE,
    ),
  );
  const server = await serveHttp(admin, handler, { logger, maxConnections })
    .catch((error) => {
      throw "host" in admin
        ? explainListening({ listen: admin, portOption: "--admin" }, error)
        : error;
    });
  const { address } = server;
  const shown = formatAdminAddress(address);
  const url = "path" in address ? shown : `http://${shown}/`;
  logger.log("info", `operator's port on ${url}`);
  return server;
}

async function openManager(
  manager: Endpoint | { readonly path: string },
  { managerAnywhere = false }: AdminSettings,
  world: World,
): Promise<Stoppable> {
  const socket = "path" in manager
    ? await bindUnixDatagrams(manager.path)
    : await bindManager(world.transport, {
      ...manager,
      anywhere: managerAnywhere,
    }).catch((error) => {
      const place = { listen: manager, portOption: "--manager" };
      throw explainListening(place, error);
    });
  const running = startManager(socket, world);
  const shown = formatAdminAddress(
    "path" in manager ? manager : running.address,
  );
  world.logger.log("info", `manager (protocol of ss-manager) on ${shown}`);
  return running;
}
