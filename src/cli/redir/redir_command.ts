/**
 * The commands `umbra redir` and `umbra redir rules`.
 *
 * @module
 */
import { systemTransport } from "../../adapters/net/system.ts";
import type { Arguments } from "../options/args.ts";
import {
  type ConfiguredLocal,
  type ConfiguredRole,
  configureRedir,
} from "../config/config.ts";
import { dnsSettings } from "../config/dns_settings.ts";
import { systemSources } from "../config/sources.ts";
import { usage } from "../options/getopt.ts";
import { openOnline } from "../online/open_online.ts";
import { print } from "../output.ts";
import type { Host } from "../run/host.ts";
import { fromOptions } from "../settings/read.ts";
import { RULES } from "../settings/redir.ts";
import { type RedirRules, redirRules, redirRulesRemoval } from "./rules.ts";

/**
 * Runs `ss-redir` until a signal, or prints its rules.
 *
 * @throws {UmbraError} If the service cannot start.
 */
export async function runRedir(args: Arguments, host: Host): Promise<void> {
  if (args.operands[0] === "rules") return await printRules(args.withoutWord());
  for (const { flag } of Object.values(RULES)) {
    if (args.has(flag!)) throw usage(`--${flag} is for \`umbra redir rules\``);
  }
  const { runRedirLocals } = await import("../run/start.ts");
  await runRedirLocals(args, host);
}

async function printRules(args: Arguments): Promise<void> {
  using online = await openOnline(args, systemSources);
  const dns = dnsSettings(args, systemSources);
  const rules = await rulesOf(
    args,
    {
      ...configureRedir(args, systemSources, online?.servers),
      dnsPort: dns?.listen.port,
    },
    (host) => systemTransport().resolve(host),
  );
  const { remove = false } = fromOptions(RULES, args);
  await print(remove ? redirRulesRemoval(rules) : redirRules(rules));
}

/**
 * Returns the rules for a configuration.
 *
 * @param resolve Returns the addresses of a server.
 * @throws {ConfigError} If it is not clear which traffic to redirect, or how to
 * exclude Umbra's own.
 */
export async function rulesOf(
  args: Arguments,
  { result, operator, dnsPort }:
    & Pick<ConfiguredRole<ConfiguredLocal[]>, "result" | "operator">
    & { readonly dnsPort?: number | undefined },
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<RedirRules> {
  const said = fromOptions(RULES, args);
  const { lan = [], own = false, dns = false, user, remove = false } = said;
  const { servers } = result[0]!;
  const tcp = result.find(({ mode }) => mode !== "udp_only");
  const udp = result.find(({ mode }) => mode !== "tcp_only");
  if (!remove && lan.length === 0 && !own) {
    throw usage(
      "Missing traffic to redirect: give --lan INTERFACE for traffic that " +
        "arrives there, --own for this machine's traffic, or both",
    );
  }
  if (own && user === undefined && operator.mark === undefined) {
    throw usage(
      "--own would redirect Umbra's own traffic: give --user-id USER, the " +
        "user that runs Umbra, or set outbound_fwmark",
    );
  }
  if (dns && !dnsPort) {
    throw usage("--with-dns needs a port to redirect to: give --dns-listen");
  }
  if ([tcp, udp].some((one) => one?.listen.port === 0)) {
    throw usage("Rules need a port: give -l PORT");
  }
  const hosts = new Set(servers.map(({ endpoint }) => endpoint.host));
  const ips = await Promise.all([...hosts].map(resolve));
  return {
    tcp: tcp && { way: tcp.redirected!, port: tcp.listen.port },
    udp: udp?.listen.port,
    dns: dns ? dnsPort : undefined,
    lan,
    own,
    user,
    mark: operator.mark,
    servers: [...new Set(ips.flat())],
  };
}
