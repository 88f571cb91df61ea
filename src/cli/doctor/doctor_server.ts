/**
 * The checks of `umbra doctor` of the ports of services, and of a server's
 * targets and users.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { UmbraError } from "../../errors.ts";
import { anyTarget } from "../../security/target_policy.ts";
import type { ServerOptions } from "../../service/server/server.ts";
import type { UpstreamServer } from "../../service/outbound/shadowsocks.ts";
import type { Endpoint } from "../../transport.ts";
import { isWildcard } from "../config/values.ts";
import { lookUp, takeControls } from "./doctor_upstream.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { judgePolicy, judgePort, judgeUsers } from "./judge_machine.ts";
import { understands } from "./judge_server.ts";
import { ownerOf } from "./machine_facts.ts";
import { type ProbeWorld, reach } from "./probe_server.ts";
import { tryToListen } from "../tools/try_to_listen.ts";

/** A port on which a service is to listen. */
export interface WantedPort {
  readonly endpoint: Endpoint;
  /** The kind of port. */
  readonly kind: "tcp" | "udp";
  /**
   * The server as a client of it; its key shows if the program that listens
   * there is this server.
   */
  readonly server?: UpstreamServer | undefined;
}

/** Returns the finding `port`. */
export async function examinePort(
  { endpoint, kind, server }: WantedPort,
  world: ProbeWorld,
): Promise<Finding> {
  const code = await tryToListen(endpoint, kind, world.transport);
  if (code !== "ERR_NET_ADDRESS_IN_USE") {
    return judgePort({ endpoint, kind, ...(code && { code }) });
  }
  const takesKey = server !== undefined && kind === "tcp" &&
    await isServedWith(server, world);
  const owner = ownerOf(endpoint.port, kind);
  return judgePort({ endpoint, kind, code, owner, takesKey });
}

/** Yields the findings `targets` and `users` of one server. */
export function serverFindings(
  { method, targetPolicy = anyTarget, users = [] }: ServerOptions,
): Finding[] {
  return [
    judgePolicy(targetPolicy),
    ...users.length > 0
      ? [judgeUsers(users, method, systemClock.unixMs())]
      : [],
  ];
}

/**
 * Yields the findings `dns` and `internet`, which a server needs for its
 * clients.
 */
export async function* examineWayOut(
  target: Address,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  const { finding, addresses } = await lookUp(target.host, world);
  yield finding;
  if (addresses.length === 0) return;
  const check = findingsOf("internet");
  const name = formatAddress(target);
  try {
    const { connectMs } = await reach(addresses, target.port, world);
    yield check.ok(`connected to ${name} in ${Math.round(connectMs)} ms`);
  } catch (error) {
    if (!(error instanceof UmbraError)) throw error;
    yield check.fail(
      `cannot connect to ${name} from here (${error.code})`,
      "check this machine's way to the internet, or name another " +
        "target with --target HOST:PORT",
    );
  }
}

/**
 * Returns the settings with which a client on this machine connects to a
 * server.
 */
export function ownClient(
  { listen, method, masterKey, users = [], ssr }: ServerOptions,
): UpstreamServer | undefined {
  const { host, port } = listen;
  const loopback = host.includes(":") ? "::1" : "127.0.0.1";
  const endpoint = { host: isWildcard(host) ? loopback : host, port };
  const user = users.find(({ disabled }) => disabled !== true);
  // A user of ShadowsocksR has a password in addition to the server's key.
  const key = ssr === undefined ? user?.masterKey ?? masterKey : masterKey;
  if (key === undefined) return undefined;
  return {
    ...ssr && {
      ssr: {
        ...ssr,
        server: endpoint,
        ...user?.uid !== undefined && {
          user: { uid: user.uid, password: user.masterKey },
        },
      },
    },
    ...{ endpoint, method, masterKey: key },
    ...(user !== undefined && masterKey !== undefined &&
      method.userKind === "identity" && { identityKeys: [masterKey] }),
  };
}

async function isServedWith(
  server: UpstreamServer,
  world: ProbeWorld,
): Promise<boolean> {
  try {
    return understands(await takeControls(server, world));
  } catch (error) {
    // Another program has the port and does not accept connections.
    if (error instanceof UmbraError) return false;
    throw error;
  }
}
