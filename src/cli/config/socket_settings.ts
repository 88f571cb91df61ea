/**
 * Socket options of the configuration, and a check that the transport supports
 * them.
 *
 * @module
 */
import { badValue, TransportError } from "../../errors.ts";
import type { SocketOptions, Transport } from "../../transport.ts";
import type { Arguments } from "../options/args.ts";
import { SOCKETS } from "../settings/sockets.ts";
import { type AnySetting, keysOf } from "../settings/setting.ts";
import type { NamedConfig } from "./config_file.ts";
import type { OperatorSettings } from "./operator_settings.ts";

/** An option that is set, and its row in the settings table. */
type Asked = readonly [name: keyof SocketOptions, row: AnySetting];

/**
 * Options that decide the path of packets. Without them packets would leave by
 * a path that the operator did not choose.
 */
const WAYS: readonly (keyof SocketOptions)[] = ["mark", "interfaceName"];

/** Returns the options that are set. */
function askedOf(operator: OperatorSettings): Asked[] {
  return (Object.entries(SOCKETS) as Asked[])
    .filter(([name]) =>
      operator[name] !== undefined && operator[name] !== false
    );
}

/** Returns the socket options of the settings. */
export function socketOptionsOf(operator: OperatorSettings): SocketOptions {
  return Object.fromEntries(
    askedOf(operator).map(([name]) => [name, operator[name]]),
  );
}

/**
 * Checks options against a transport that does not support them.
 *
 * @returns A warning for each option that only tunes a socket.
 * @throws {ConfigError} For an option that changes the path of packets.
 */
export function checkSocketSettings(
  operator: OperatorSettings,
  args: Arguments,
  file: NamedConfig | undefined,
): string[] {
  if (operator.transport === "linux") return [];
  const placeOf = (row: AnySetting): string => {
    const key = keysOf(row).find((key) => file?.object.has(key));
    return key === undefined || args.has(row.flag!)
      ? `--${row.flag}`
      : file!.object.where(key);
  };
  const asked = askedOf(operator);
  const way = asked.find(([name]) => WAYS.includes(name));
  if (way !== undefined) {
    throw badValue(
      `${placeOf(way[1])} is not supported by the runtime's sockets: ` +
        "use --transport linux",
    );
  }
  return asked.map(([, row]) =>
    `ignored: ${placeOf(row)}: the runtime's sockets do not support it; ` +
    "use --transport linux"
  );
}

/**
 * Tests the options before anything is served.
 *
 * @param transport A transport that uses the options.
 * @param reasons Why the transport is not the preferred one.
 * @throws {ConfigError} If the transport cannot set the options.
 */
export async function trySockets(
  transport: Transport,
  operator: OperatorSettings,
  reasons: readonly string[],
): Promise<void> {
  const asked = askedOf(operator);
  if (operator.transport !== "linux" || asked.length === 0) return;
  const names = asked.map(([, { key }]) => key).join(", ");
  if (!transport.capabilities.socketOptions) {
    throw badValue(`Cannot set ${names}: ${reasons.join("; ")}`);
  }
  try {
    (await transport.bindOutgoing()).close();
    (await transport.listen({ host: "127.0.0.1", port: 0 })).close();
  } catch (error) {
    if (!(error instanceof TransportError)) throw error;
    throw badValue(`Cannot set ${names}: ${explain(error)}`);
  }
}

function explain({ code, message }: TransportError): string {
  return code === "ERR_NET_PERMISSION"
    ? `${message}; give CAP_NET_ADMIN: setcap cap_net_admin+ep PROGRAM, or ` +
      "AmbientCapabilities=CAP_NET_ADMIN"
    : message;
}
