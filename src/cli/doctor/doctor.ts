/**
 * The command `doctor`, which checks everything that may keep a configuration
 * from working and gives advice. It contacts only the configured servers, the
 * target (and with -u a resolver) through them, and the web server of
 * `--clock-url`.
 *
 * @module
 */
import process from "node:process";
import { systemTransport } from "../../adapters/net/system.ts";
import { systemClock } from "../../clock.ts";
import { type Address, formatAddress } from "../../codec/address.ts";
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";
import { systemRandomBytes } from "../../random.ts";
import type { ServerOptions } from "../../service/server/server.ts";
import type { Mode } from "../../service/options.ts";
import type { Endpoint } from "../../transport.ts";
import type { Arguments } from "../options/args.ts";
import { DEFAULT_RESOLVER } from "../commands/defaults.ts";
import { chooseProviders } from "../../adapters/crypto/providers.ts";
import type { ConfiguredLocal } from "../config/config.ts";
import { systemSources } from "../config/sources.ts";
import { UmbraError } from "../../errors.ts";
import { fetchStatus, secureSource } from "../top/status_client.ts";
import { examineDns } from "./doctor_dns.ts";
import { examineFiles } from "./doctor_files.ts";
import { examineClock, machineFindings } from "./doctor_machine.ts";
import {
  examinePort,
  examineWayOut,
  ownClient,
  serverFindings,
  type WantedPort,
} from "./doctor_server.ts";
import { readSubject, type Subject } from "./doctor_subject.ts";
import { examineServer } from "./doctor_plugin.ts";
import type { UpstreamTrial } from "./doctor_upstream.ts";
import {
  type Finding,
  findingsOf,
  formatFinding,
  formatJson,
  formatSummary,
  isHealthy,
} from "./finding.ts";
import { print } from "../output.ts";
import { DOCTOR, PROBE, type ProbeSettings } from "../settings/probe.ts";
import { complete, fromOptions } from "../settings/read.ts";
import { judgeLookups, judgeSystemResolvers } from "./judge_dns.ts";
import { shifted } from "./probe_clock.ts";
import type { ProbeWorld } from "./probe_server.ts";
import { Progress } from "./progress.ts";
import { resolvConf } from "../config/dns_settings.ts";

const DNS_SYSTEM = findingsOf("dns system");

/**
 * Runs `umbra doctor`.
 *
 * @returns True if no check failed.
 * @throws {ConfigError} When the command line is wrong.
 */
export async function runDoctor(args: Arguments): Promise<boolean> {
  const json = args.has("json");
  const colour = process.stdout.isTTY === true;
  const findings: Finding[] = [];
  const progress = new Progress({
    write: (text) => {
      process.stderr.write(text);
    },
    isTerminal: process.stderr.isTTY === true,
  }, systemClock);
  // If the output is not a terminal, the findings alone show the progress.
  const progressed: UpstreamTrial["progressed"] = (what, share) => {
    if (process.stderr.isTTY === true) progress.show(share, what);
  };
  for await (const finding of examine(args, progressed)) {
    progress.clear();
    findings.push(finding);
    if (!json) await print(formatFinding(finding, colour));
  }
  progress.clear();
  await print(json ? formatJson(findings) : formatSummary(findings));
  return isHealthy(findings);
}

/** Runs all checks and yields each finding at once. */
async function* examine(
  args: Arguments,
  progressed: UpstreamTrial["progressed"],
): AsyncGenerator<Finding> {
  const { clockUrl, resolver, dns = false, names } = fromOptions(DOCTOR, args);
  const trial = complete(PROBE, fromOptions(PROBE, args));
  const wishes: Wishes = {
    ...trial,
    resolver,
    dns,
    names: names ?? [trial.target.host],
    progressed,
  };
  const { subject, findings } = readSubject(args);
  const { methods } = subject;
  const transport = systemTransport(subject.operator.outbound);
  const ciphers = chooseProviders(methods);
  yield* machineFindings(transport, methods, ciphers);
  yield* findings;
  const needsClock = methods.some(({ family }) => family.needsClock);
  const { finding: clock, offset } = await examineClock(
    clockUrl,
    needsClock,
    wishes.waitMs,
  );
  if (clock.verdict !== "skip") yield clock;
  const world: ProbeWorld = {
    transport,
    // A clock that is known to be wrong is corrected, so that the key can be
    // checked.
    clock: Math.abs(offset) > MAX_TIMESTAMP_SKEW_S
      ? shifted(systemClock, offset)
      : systemClock,
    randomBytes: systemRandomBytes,
    ...ciphers,
    waitMs: wishes.waitMs,
  };
  yield* examineFiles(subject);
  let clockIsKnown = clock.verdict !== "skip";
  for await (const finding of examineRole(subject, wishes, world)) {
    clockIsKnown ||= finding.check === clock.check;
    yield finding;
  }
  // The check of a server may have yielded a finding about the clock already.
  if (!clockIsKnown) yield clock;
}

async function* examineRole(
  subject: Subject,
  wishes: Wishes,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  if (subject.role === "local") {
    yield* examineLocals(subject.options, wishes, world);
    if (wishes.dns) yield* examineNames(subject, wishes, world);
  } else if (subject.role === "server") {
    yield* examineServers(subject.options, wishes, world);
  }
  yield* examinePorts(operatorPorts(subject.operator), world);
}

/** The options of the command line. */
interface Wishes extends ProbeSettings {
  /** The resolver to ask over UDP; not set if none is named. */
  readonly resolver: Address | undefined;
  /** True if the DNS inbounds are to be checked. */
  readonly dns: boolean;
  /** Names to ask the DNS inbounds for. */
  readonly names: readonly string[];
  /** See {@link UpstreamTrial}. */
  readonly progressed: UpstreamTrial["progressed"];
}

async function* examineLocals(
  locals: readonly ConfiguredLocal[],
  wishes: Wishes,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  const [first] = locals;
  const { mode, servers } = first!;
  const {
    target,
    resolver = hasUdp(mode) ? DEFAULT_RESOLVER : undefined,
    progressed,
  } = wishes;
  for (const server of servers) {
    const trial = {
      ...{ server, target, resolver, progressed },
      udpWanted: hasUdp(mode),
      tcpWanted: mode !== "udp_only",
    };
    const name = servers.length > 1
      ? `${formatAddress(server.endpoint)}: `
      : "";
    for await (const finding of examineServer(trial, world)) {
      yield { ...finding, detail: name + finding.detail };
    }
  }
  for (const { listen, mode } of locals) {
    yield* examinePorts(portsOf(listen, mode), world);
  }
}

/** Checks how names are resolved, by each DNS inbound. */
async function* examineNames(
  { options: locals, dns, operator }: Subject & { readonly role: "local" },
  { names, progressed }: Wishes,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  const proxies = locals.filter(({ dns }) => dns === undefined);
  yield judgeLookups(
    proxies.map(({ routes }) => routes),
    await lookedUp(operator),
  );
  const inbounds = [
    ...locals.flatMap((one) => one.dns ? [[one.dns, [one]] as const] : []),
    ...dns === undefined ? [] : [[dns, locals] as const],
  ];
  if (inbounds.length === 0) {
    yield DNS_SYSTEM.warn(
      "nothing here answers DNS: programs that look names up ask the " +
        "resolvers of this machine, past Umbra",
      "start with --dns-listen 127.0.0.1:53, or let programs use " +
        "socks5h:// or HTTP, which send names",
    );
  }
  for (const [settings, beside] of inbounds) {
    yield judgeSystemResolvers(resolvConf(systemSources), settings.listen);
    yield* examineDns({ settings, locals: beside, names, progressed }, world);
    yield* examinePorts(portsOf(settings.listen, "tcp_and_udp"), world);
  }
}

/**
 * Returns how often the running program has looked up a target because a rule
 * needed its addresses; `undefined` if no such program answers.
 */
async function lookedUp(
  { admin: address, adminToken: token, adminCert }: Subject["operator"],
): Promise<number | undefined> {
  if (address === undefined) return undefined;
  try {
    const secure = secureSource(adminCert);
    const { lookups } = await fetchStatus({ address, token, secure });
    return lookups["route"] ?? 0;
  } catch (error) {
    // The program does not run, or another one has the port. The check of the
    // port reports that.
    if (error instanceof UmbraError) return undefined;
    throw error;
  }
}

async function* examineServers(
  servers: readonly ServerOptions[],
  { target }: Wishes,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  for (const server of servers) {
    const client = ownClient(server);
    const wanted = portsOf(server.listen, server.mode)
      .map((port) => ({ ...port, server: client }));
    yield* examinePorts(wanted, world);
    yield* serverFindings(server);
  }
  yield* examineWayOut(target, world);
}

async function* examinePorts(
  ports: readonly WantedPort[],
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  for (const port of ports) yield await examinePort(port, world);
}

/** Omits unix sockets: a socket without a listener is replaced at the start. */
function operatorPorts(
  { admin, invite, manager }: Subject["operator"],
): WantedPort[] {
  return [
    ...admin !== undefined && "port" in admin ? portsOf(admin) : [],
    ...invite !== undefined && "port" in invite ? portsOf(invite) : [],
    ...manager !== undefined && "port" in manager
      ? portsOf(manager, "udp_only")
      : [],
  ];
}

/** Returns the ports to check; none if the system chooses the port. */
function portsOf(endpoint: Endpoint, mode: Mode = "tcp_only"): WantedPort[] {
  if (endpoint.port === 0) return [];
  return [
    ...mode === "udp_only" ? [] : [{ endpoint, kind: "tcp" } as const],
    ...hasUdp(mode) ? [{ endpoint, kind: "udp" } as const] : [],
  ];
}

function hasUdp(mode: Mode): boolean {
  return mode !== "tcp_only";
}
