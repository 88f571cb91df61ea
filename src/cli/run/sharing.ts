/**
 * Ports that several threads or processes listen on: whether that can be.
 *
 * @module
 */
import process from "node:process";
import type { Capabilities } from "../../transport.ts";
import type { OperatorSettings } from "../config/operator_settings.ts";
import { usage } from "../options/getopt.ts";

/** The services that will listen. */
export interface Listening {
  /** Which end it is. */
  readonly role: "server" | "local";
  /** Ports as configured; 0 for the system's choice. */
  readonly ports: readonly number[];
  /** True if UDP is served. */
  readonly datagrams: boolean;
  /** True if programs are run in front of servers. */
  readonly plugins?: boolean;
  /** The other ports of the program. */
  readonly operator: OperatorSettings;
}

/**
 * Refuses what processes that take over from each other cannot share.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE`.
 */
export function checkReusePort(listening: Listening): void {
  if (!listening.operator.reusePort) return;
  if (listening.plugins && listening.role === "server") {
    throw usage(`--reuse-port ${NO_PLUGINS}`);
  }
  checkPorts("--reuse-port", listening);
}

/**
 * Refuses what workers cannot share.
 *
 * @param capabilities Of the transport that they will use.
 * @throws {ConfigError} `ERR_CONFIG_USAGE`.
 */
export function checkWorkers(
  listening: Listening,
  { sharedUdpPort }: Capabilities,
): void {
  checkPorts("--workers", listening);
  const { role, operator, datagrams, plugins } = listening;
  if (plugins) throw usage(`--workers ${NO_PLUGINS}`);
  if (datagrams && role === "local") {
    throw usage(
      "--workers cannot share the UDP port of a local, whose associations one " +
        "worker alone knows: leave it out, or run -U and --dns-listen in a " +
        "process of their own",
    );
  }
  if (datagrams && !sharedUdpPort) {
    throw usage(
      "--workers cannot share a UDP port over the sockets of the runtime: use " +
        "--transport linux, leave it out, or run -U in a process of its own",
    );
  }
  const single = (["admin", "invite", "manager", "store"] as const)
    .find((name) => operator[name] !== undefined);
  if (single !== undefined) {
    throw usage(
      `--workers and --${single} do not go together: every worker counts and ` +
        "serves users by itself; leave one of both out",
    );
  }
}

const NO_PLUGINS =
  "and a plugin do not go together: it does not share its port; leave one out";

function checkPorts(option: string, { ports }: Listening): void {
  if (process.platform !== "linux") {
    throw usage(
      `${option} needs SO_REUSEPORT as Linux has it; leave it out here`,
    );
  }
  if (ports.includes(0)) {
    throw usage(
      `${option} cannot share a port that the system chooses; give one`,
    );
  }
}
