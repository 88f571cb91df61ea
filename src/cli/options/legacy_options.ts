/**
 * Options of shadowsocks-libev 3.3 that this version knows and does not
 * serve, so that nobody believes in a setting that has no effect.
 *
 * @module
 */
import type { Option } from "./option.ts";

const BOTH: readonly Option[] = [
  refused(
    "pid-file",
    "f",
    "Umbra stays in the foreground; let the service manager detach it",
    "FILE",
  ),
  refused("user", "a", "start Umbra as that user instead", "USER"),
  refused(
    "nofile",
    "n",
    "set the limit with `ulimit -n` or LimitNOFILE instead",
    "N",
  ),
  refused(
    "outbound-bind-interface",
    undefined,
    "the runtimes cannot choose an interface; give its address with -i",
    "NAME",
  ),
  refused("plugin", undefined, "plugins are not served", "NAME"),
  refused("plugin-opts", undefined, "plugins are not served", "OPTIONS"),
  ignored("fast-open", "the runtimes offer no TCP fast open"),
  ignored("no-delay", "it is always on"),
  ignored("mptcp", "the runtimes offer no multipath TCP"),
  ignored("mtu", "datagrams of every size are relayed", "BYTES"),
];

/** By command. */
export const LEGACY_OPTIONS: Readonly<
  Record<"local" | "server", readonly Option[]>
> = {
  local: BOTH,
  server: [
    ...BOTH,
    {
      ...ignored("local-port", "it is the port of ss-local", "PORT"),
      short: "l",
    },
    {
      ...ignored("ipv6-first", "the system's order of addresses is used"),
      short: "6",
    },
    refused("dns", "d", "names are resolved as the system does", "ADDRESS"),
    refused(
      "manager-address",
      undefined,
      "Umbra is its own manager: --manager serves the protocol",
      "ADDRESS",
    ),
  ],
};

function refused(
  name: string,
  short: string | undefined,
  help: string,
  value?: string,
): Option {
  return {
    ...legacy(name, help, value),
    ...(short && { short }),
    standing: "unsupported",
  };
}

function ignored(name: string, help: string, value?: string): Option {
  return { ...legacy(name, help, value), standing: "ignored" };
}

function legacy(name: string, help: string, value?: string): Option {
  return value === undefined ? { name, help } : { name, help, value };
}
