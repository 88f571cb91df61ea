/**
 * Checks that ports can be shared by several threads or processes.
 *
 * @module
 */
import process from "node:process";
import type { Capabilities } from "../../transport.ts";
import type { OperatorSettings } from "../config/operator_settings.ts";
import { usage } from "../options/getopt.ts";

/** The services that will listen. */
export interface Listening {
  /** The role. */
  readonly role: "server" | "local";
  /** Ports of the configuration; 0 if the system chooses. */
  readonly ports: readonly number[];
  /** True if UDP is served. */
  readonly datagrams: boolean;
  /** True if plugin programs are started. */
  readonly plugins?: boolean;
  /** The other ports of the program. */
  readonly operator: OperatorSettings;
}

/**
 * Checks that a process can take over the ports from another.
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
 * Checks that workers can share the ports.
 *
 * @param capabilities The capabilities of the workers' transport.
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
      "--workers cannot share the UDP port of a local, because each " +
        "association is known to one worker only: leave --workers out, or run " +
        "-U and --dns-listen in a process of their own",
    );
  }
  if (datagrams && !sharedUdpPort) {
    throw usage(
      "--workers cannot share a UDP port with the runtime's sockets: use " +
        "--transport linux, leave --workers out, or run -U in a process of " +
        "its own",
    );
  }
  const single = (["admin", "invite", "manager", "store"] as const)
    .find((name) => operator[name] !== undefined);
  if (single !== undefined) {
    throw usage(
      `--workers and --${single} exclude each other, because every worker ` +
        "counts and serves users by itself: leave one out",
    );
  }
}

const NO_PLUGINS =
  "and a plugin exclude each other, because a plugin does not share its port: leave one out";

function checkPorts(option: string, { ports }: Listening): void {
  if (process.platform !== "linux") {
    throw usage(
      `${option} needs SO_REUSEPORT of Linux; leave it out on this system`,
    );
  }
  if (ports.includes(0)) {
    throw usage(
      `${option} cannot share a port that the system chooses; give one`,
    );
  }
}
