/**
 * Connects the operator's port, the invitations of users and the manager to the
 * runtime. Each is off unless it is configured.
 *
 * @module
 */
import {
  type HttpAddress,
  type HttpHandler,
  serveHttp,
} from "../../adapters/net/http_server.ts";
import { bindUnixDatagrams } from "../../adapters/net/unix_datagrams.ts";
import {
  type AdminOptions,
  type AdminPage,
  createAdminHandler,
  createInviteHandler,
} from "../../admin/admin_handler.ts";
import {
  bindManager,
  checkManager,
  startManager,
} from "../../admin/manager.ts";
import type { Minute } from "../../minutes.ts";
import type { Operator } from "../../admin/operator.ts";
import type { Clock } from "../../clock.ts";
import type { Logger } from "../../observe.ts";
import type { Endpoint, Transport } from "../../transport.ts";
import {
  ADMIN_DESCRIPTOR_SHARE,
  MAX_ADMIN_CONNECTIONS,
  MAX_INVITE_CONNECTIONS,
} from "../../limits.ts";
import { isLoopback } from "../../codec/loopback.ts";
import {
  checkInvite,
  type InviteSettings,
  inviteUrlOf,
} from "../config/invite_url.ts";
import { explainListening } from "./fleet.ts";
import type { OperatorSettings } from "../config/operator_settings.ts";
import { formatAdminAddress } from "../settings/program.ts";
import { guessHost } from "../tools/guess_host.ts";
import {
  type CertificateFiles,
  readCertificate,
  watchCertificate,
} from "./certificate.ts";
import { startOrWait, type Stoppable } from "./take_over.ts";

/**
 * The settings of the operator's port, the invitations and the manager; each
 * may be absent.
 */
export type AdminSettings =
  & InviteSettings
  & Pick<
    OperatorSettings,
    | "adminToken"
    | "adminHosts"
    | "manager"
    | "managerAnywhere"
    // True to wait for ports that another process still holds.
    | "reusePort"
  >;

/** The dependencies of these ports. */
export interface AdminWorld {
  readonly transport: Transport;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The dashboard; not set if there is none. */
  readonly page?: AdminPage;
  /** Returns the minutes of the last day. */
  readonly history?: () => readonly Minute[];
  /** See {@link AdminOptions.requests}. */
  readonly requests?: AdminOptions["requests"];
}

/**
 * Checks that other machines cannot reach a port without a token, before
 * anything listens.
 *
 * @throws {ConfigError} If they could.
 */
export function checkAdmin(
  settings: AdminSettings,
  operator: Operator,
  world: AdminWorld,
): void {
  const { admin, manager, managerAnywhere = false } = settings;
  checkInvite(settings);
  for (const port of ["admin", "invite"] as const) {
    const files = certificateOf(settings, port);
    if (files !== undefined) readCertificate(files);
  }
  if (admin !== undefined) {
    adminHandler(admin, settings, { operator, ...world });
  }
  if (manager !== undefined && "host" in manager && !managerAnywhere) {
    checkManager(manager.host);
  }
}

/**
 * Starts the configured ports.
 *
 * @returns The object that stops them.
 * @throws {ConfigError} If other machines could reach a port without a token.
 * @throws {TransportError} If a port cannot listen; none runs then.
 */
export async function startAdmin(
  settings: AdminSettings,
  operator: Operator,
  world: AdminWorld,
): Promise<Stoppable> {
  const { admin, invite, manager } = settings;
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
        () =>
          openPort({ name: "admin", address: admin, handler }, settings, world),
      );
    }
    if (invite !== undefined) {
      const handler = createInviteHandler({
        ...{ operator, clock: world.clock },
        inviteUrl: inviteUrlFor(settings, operator)!,
      });
      await start(
        "the port of invitations",
        () =>
          openPort(
            { name: "invite", address: invite, handler },
            settings,
            world,
          ),
      );
      warnOfPlainText(settings, world.logger);
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
  settings: AdminSettings,
  world: World,
): ReturnType<typeof createAdminHandler> {
  return createAdminHandler({
    ...world,
    host: "host" in admin ? admin.host : undefined,
    names: settings.adminHosts,
    token: settings.adminToken,
    inviteUrl: inviteUrlFor(settings, world.operator),
  });
}

/** @returns `undefined` for a local, which has no users to invite. */
function inviteUrlFor(
  settings: AdminSettings,
  { upstreams }: Operator,
): (() => string) | undefined {
  if (upstreams !== undefined) return undefined;
  const url = inviteUrlOf(settings, guessHost) ?? "http://localhost";
  return () => url;
}

/** Returns the certificate files of a port, if it has any. */
function certificateOf(
  settings: AdminSettings,
  port: "admin" | "invite",
): CertificateFiles | undefined {
  const cert = settings[`${port}Cert`];
  const key = settings[`${port}Key`];
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

/** An HTTP port. */
interface HttpPort {
  /** The name of its setting. */
  readonly name: "admin" | "invite";
  readonly address: HttpAddress;
  readonly handler: HttpHandler;
}

const MOST = {
  admin: MAX_ADMIN_CONNECTIONS,
  invite: MAX_INVITE_CONNECTIONS,
} as const;

const PORTS = { admin: "operator's port", invite: "invitations" } as const;

async function openPort(
  { name, address, handler }: HttpPort,
  settings: AdminSettings,
  { clock, logger, transport }: AdminWorld,
): Promise<Stoppable> {
  // Deno's listener fails for good at the first connection for which it has no
  // descriptor.
  const maxConnections = Math.min(
    MOST[name],
    Math.floor(
      (transport.descriptorLimit() ?? Infinity) * ADMIN_DESCRIPTOR_SHARE,
    ),
  );
  const files = certificateOf(settings, name);
  const first = files && readCertificate(files);
  const options = { logger, maxConnections, certificate: first };
  const server = await serveHttp(address, handler, options).catch((error) => {
    throw "host" in address
      ? explainListening({ listen: address, portOption: `--${name}` }, error)
      : error;
  });
  const shown = formatAdminAddress(server.address);
  const scheme = first === undefined ? "http" : "https";
  const url = "path" in server.address ? shown : `${scheme}://${shown}/`;
  const what = PORTS[name];
  logger.log("info", `${what} on ${url}`);
  if (files === undefined || first === undefined) return server;
  const watch = { files, first, server, what, clock, logger };
  const endWatch = watchCertificate(watch);
  return {
    async stop(graceMs): Promise<void> {
      await endWatch();
      await server.stop(graceMs);
    },
  };
}

function warnOfPlainText(
  { invite, inviteCert, inviteUrl }: AdminSettings,
  logger: Logger,
): void {
  const isPlain = invite !== undefined && "host" in invite &&
    !isLoopback(invite.host) && inviteCert === undefined &&
    !inviteUrl?.startsWith("https:");
  if (!isPlain) return;
  logger.log(
    "warn",
    "invitations without TLS: anyone on the network path can read the keys " +
      "in them; give --invite-cert and --invite-key, or a TLS proxy in front " +
      "and --invite-url",
  );
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
