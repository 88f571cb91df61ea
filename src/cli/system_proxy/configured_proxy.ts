/**
 * The meaning of `--system-proxy` for the locals of a configuration.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { isLoopback } from "../../codec/loopback.ts";
import type { ConfigError } from "../../errors.ts";
import { pacSecret } from "../../service/inbound/proxy_pac.ts";
import type { ConfiguredLocal } from "../config/config.ts";
import { isWildcard } from "../config/values.ts";
import type { Arguments } from "../options/args.ts";
import { SYSTEM_PROXY } from "../settings/local.ts";
import { fromOptions } from "../settings/read.ts";
import type { ProxyForm, ProxyPlace } from "./desktops.ts";
import { usage } from "../options/getopt.ts";

/** The proxy for programs of the system. */
export interface ConfiguredProxy {
  /** The form of the address. */
  readonly form: ProxyForm;
  /** The address of the proxy. */
  readonly place: ProxyPlace;
}

/**
 * Returns the proxy of `--system-proxy`.
 *
 * @returns `undefined` without the option.
 * @throws {ConfigError} If no local can be the system's proxy.
 */
export function systemProxyOf(
  args: Arguments,
  locals: readonly ConfiguredLocal[],
): ConfiguredProxy | undefined {
  const { form } = fromOptions(SYSTEM_PROXY, args);
  if (form === undefined) return undefined;
  const local = proxyAmong(locals);
  const { protocol = "mixed", users = [] } = local;
  const spoken = { pac: "http", socks: "socks", http: "http" }[form];
  if (protocol !== "mixed" && protocol !== spoken) {
    throw wrong(form, `the local supports ${protocol} only`);
  }
  // Most programs have no password for SOCKS and do not ask for one.
  if (form === "socks" && users.length > 0) {
    throw wrong(form, "the local requires a password; give pac or http");
  }
  return { form, place: placeOf(form, local) };
}

/**
 * Returns the address of the PAC file of a configuration.
 *
 * @throws {ConfigError} If no PAC file is served.
 */
export function pacAddress(locals: readonly ConfiguredLocal[]): string {
  const local = proxyAmong(locals);
  if (local.protocol === "socks") {
    throw wrong("pac", "the local supports socks only");
  }
  return placeOf("pac", local).pac;
}

/** Returns the first local that is a proxy. */
function proxyAmong(locals: readonly ConfiguredLocal[]): ConfiguredLocal {
  const found = locals.find(({ dns, protocol }) =>
    dns === undefined && typeof protocol !== "object"
  );
  if (found !== undefined) return found;
  throw usage("No local of this configuration is a proxy");
}

function placeOf(
  form: ProxyForm,
  { listen, pac, users = [] }: ConfiguredLocal,
): ProxyPlace {
  const { host: given, port } = listen;
  if (port === 0) {
    throw wrong(form, "the system chooses the port of the local; give -l PORT");
  }
  if (form === "pac" && !isLoopback(given) && pac?.everywhere !== true) {
    throw wrong(
      form,
      `no PAC file is served at ${formatAddress(listen)}; give --pac as well`,
    );
  }
  const host = !isWildcard(given)
    ? given
    : given.includes(":")
    ? "::1"
    : "127.0.0.1";
  const secret = pacSecret(users);
  const query = secret === undefined ? "" : `?t=${secret}`;
  const place = formatAddress({ host, port });
  return { host, port, pac: `http://${place}/proxy.pac${query}` };
}

function wrong(form: ProxyForm, why: string): ConfigError {
  return usage(`--system-proxy ${form}: ${why}`);
}
