/**
 * `umbra env`: prints the environment variables of a local proxy for a shell.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import type { Endpoint } from "../../transport.ts";
import { DEFAULT_LOCAL, ENV_SHELLS } from "../commands/defaults.ts";
import { missing, readFile } from "../config/find_servers.ts";
import {
  localFromOptions,
  type LocalSettings,
  localsFromFile,
} from "../config/local_settings.ts";
import { Secrets, type Sources } from "../config/secrets.ts";
import { isWildcard } from "../config/values.ts";
import type { Arguments } from "../options/args.ts";
import { option } from "../options/option_value.ts";
import { alternatives } from "../settings/kinds.ts";

type Shell = (typeof ENV_SHELLS)[number];

/** The hosts that need no proxy, in a form that programs understand. */
const NO_PROXY = "localhost,127.0.0.1,::1";

/**
 * Returns the lines that set the variables in a shell.
 *
 * @throws {ConfigError} If the local is not a proxy.
 */
export function proxyEnvironment(args: Arguments, sources: Sources): string {
  const shell = option(
    args,
    "shell",
    (text) => ENV_SHELLS.find((one) => one === text),
    alternatives(ENV_SHELLS),
  ) ?? "sh";
  const file = readFile(args, sources);
  const secrets = new Secrets(sources, file);
  const [filed] = file
    ? localsFromFile(file.object, secrets).locals
      .filter(({ dns }) => dns === undefined)
    : [];
  const said = localFromOptions(args);
  return Object.entries(variablesOf({
    host: said.host ?? filed?.host,
    port: said.port ?? filed?.port,
    protocol: said.protocol ?? filed?.protocol,
    users: said.users ?? filed?.users,
  })).flatMap(([name, value]) => [
    WRITERS[shell](name, value),
    WRITERS[shell](name.toUpperCase(), value),
  ]).join("");
}

function variablesOf(
  { host, port, protocol = "mixed", users = [] }: LocalSettings,
): Record<string, string> {
  if (typeof protocol === "object") {
    throw missing(
      "A tunnel is not a proxy",
      "give the configuration of a local",
    );
  }
  const [user] = users;
  const login = user === undefined
    ? ""
    : `${[user.username, user.password].map(percentEncoded).join(":")}@`;
  const place = formatAddress(reachable({
    host: host ?? DEFAULT_LOCAL.host,
    port: port ?? DEFAULT_LOCAL.port,
  }));
  const http = `http://${login}${place}`;
  const socks = `socks5h://${login}${place}`;
  return {
    ...protocol !== "socks" && { "http_proxy": http, "https_proxy": http },
    "all_proxy": protocol === "http" ? http : socks,
    "no_proxy": NO_PROXY,
  };
}

/**
 * Returns the address under which programs of this machine reach a listener. A
 * listener on every address is reached by loopback.
 */
function reachable({ host, port }: Endpoint): Endpoint {
  if (port === 0) {
    throw missing(
      "The system chooses the port of the local at its start",
      "give -l PORT",
    );
  }
  if (!isWildcard(host)) return { host, port };
  return { host: host.includes(":") ? "::1" : "127.0.0.1", port };
}

/**
 * Percent-encodes a text, also characters that `encodeURIComponent` keeps and a
 * shell interprets.
 */
function percentEncoded(text: string): string {
  return [...new TextEncoder().encode(text)].map((byte) => {
    const letter = String.fromCharCode(byte);
    return /[\w.~-]/.test(letter)
      ? letter
      : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  }).join("");
}

/**
 * Writes one variable. Values contain no quotes: they are addresses or
 * percent-encoded text.
 */
const WRITERS: Readonly<
  Record<Shell, (name: string, value: string) => string>
> = {
  sh: (name, value) => `export ${name}='${value}'\n`,
  fish: (name, value) => `set -gx ${name} '${value}'\n`,
  powershell: (name, value) => `$env:${name} = '${value}'\n`,
};
