/**
 * The checks of `umbra doctor --dns`. They run the DNS inbound of a
 * configuration on a port that the system chooses, and send queries to it.
 *
 * @module
 */
import { systemPrograms } from "../../adapters/system/programs.ts";
import { readU16 } from "../../bytes.ts";
import { Deadline } from "../../clock.ts";
import { readDnsAnswer } from "../../codec/dns_message.ts";
import {
  addressesIn,
  addressQuery,
  DNS_TYPE,
} from "../../codec/dns_records.ts";
import { formatIp, parseIp } from "../../codec/ip_address.ts";
import { RouteTable } from "../../routes/route_table.ts";
import type { DnsService } from "../../service/dns/dns_inbound.ts";
import type { DnsWayStatus } from "../../service/dns/dns_status.ts";
import { FakeIps } from "../../service/dns/fake_ips.ts";
import { LocalNames } from "../../service/dns/local_names.ts";
import { ReverseNames } from "../../service/dns/reverse_names.ts";
import { ServerGroup } from "../../service/outbound/servers/server_group.ts";
import { PluginCrew } from "../../service/plugin/crew.ts";
import type { LocalRoutes } from "../../service/routing/rule_router.ts";
import { withDefaults } from "../../service/service.ts";
import type { Endpoint } from "../../transport.ts";
import type { ConfiguredLocal } from "../config/config.ts";
import type { DnsSettings } from "../config/dns_settings.ts";
import { DnsPlan } from "../run/local_plan.ts";
import type { Finding } from "./finding.ts";
import {
  judgeMemory,
  judgeName,
  judgeResolver,
  judgeTrueAddress,
  type NameAnswer,
  type NameTrial,
} from "./judge_dns.ts";
import type { ProbeWorld } from "./probe_server.ts";

/** A DNS inbound and how to check it. */
export interface DnsTrial {
  /** The settings of the inbound. */
  readonly settings: DnsSettings;
  /** The local that is this inbound, or the locals beside it; at least one. */
  readonly locals: readonly ConfiguredLocal[];
  /** Names to ask for. */
  readonly names: readonly string[];
  /** Called with the name of the next step. */
  progressed(what: string): void;
}

/** Runs all checks and yields each finding at once. */
export async function* examineDns(
  { settings, locals, names, progressed }: DnsTrial,
  world: ProbeWorld,
): AsyncGenerator<Finding> {
  const services = withDefaults({ ...world, programs: systemPrograms });
  const { servers, balancer } = locals[0]!;
  const plugins = new PluginCrew(services);
  const group = new ServerGroup(plugins.attach(servers), balancer, services);
  const known = new LocalNames(
    new ReverseNames(world.clock),
    settings.fake && new FakeIps(settings.fake.ranges),
  );
  plugins.start();
  try {
    const plan = new DnsPlan(
      { ...settings, listen: HERE, names: known },
      locals,
      services,
      group,
    );
    const service = await plan.start() as DnsService;
    try {
      const inbound = { service, routes: plan.routes, known, world };
      for (const one of service.status.ways) {
        progressed(`asking ${one.resolver}`);
        yield await examineResolver(inbound, one);
      }
      for (const name of names) {
        progressed(`asking for ${name}`);
        yield* await examineName(inbound, name);
      }
    } finally {
      await service.stop(0);
    }
  } finally {
    group.stop();
    await plugins.stop();
  }
}

const HERE: Endpoint = { host: "127.0.0.1", port: 0 };

/**
 * A name that does not exist (RFC 6761 §6.4), so that the query reveals nothing
 * to a resolver.
 */
const NOWHERE = "probe.invalid";

/** A running inbound, and what it consists of. */
interface Inbound {
  readonly service: DnsService;
  readonly routes: LocalRoutes | undefined;
  readonly known: LocalNames;
  readonly world: ProbeWorld;
}

/** Checks the resolver of one way, whatever the routes say. */
async function examineResolver(
  inbound: Inbound,
  one: DnsWayStatus,
): Promise<Finding> {
  const { service, routes, world } = inbound;
  const last = { to: one.way, place: "umbra doctor" };
  const isOnly = service.status.ways.length === 1;
  if (!isOnly) {
    service.setRoutes({
      ...routes,
      resolve: "never",
      table: new RouteTable([], last),
    });
  }
  try {
    const label = world.randomBytes(LABEL_BYTES).toHex();
    // A query of this type never gets a fake IP.
    const answer = await ask(inbound, `${label}.${NOWHERE}`, TXT);
    return judgeResolver(one, answer, world.waitMs);
  } finally {
    if (!isOnly) service.setRoutes(routes);
  }
}

/**
 * Checks which resolver answers a name, and how a local treats the answer.
 */
async function examineName(
  inbound: Inbound,
  name: string,
): Promise<Finding[]> {
  const { service, known } = inbound;
  const before = countsOf(service.status.ways);
  const answer = await ask(inbound, name, DNS_TYPE.a);
  const asked = service.status.ways
    .filter((one) => one.asked > (before.get(one.way) ?? 0));
  const [address] = answer?.addresses ?? [];
  const bytes = address === undefined ? undefined : parseIp(address);
  const { fake } = known;
  const isMadeUp = bytes !== undefined && fake?.has(bytes) === true;
  const meant = bytes &&
    (isMadeUp
      ? known.meant({ host: address!, port: 0 }).host
      : known.nameOf(bytes));
  const trial: NameTrial = { name, answer, asked, isMadeUp, meant };
  const memory = judgeMemory(trial);
  return [
    judgeName(trial),
    ...memory === undefined ? [] : [memory],
    ...fake === undefined || isMadeUp || bytes === undefined
      ? []
      : [judgeTrueAddress(trial)],
  ];
}

/** @returns `undefined` if no answer came in time. */
async function ask(
  { service, world }: Inbound,
  name: string,
  type: number,
): Promise<NameAnswer | undefined> {
  const { transport, clock, randomBytes, waitMs } = world;
  const id = readU16(randomBytes(2), 0);
  const query = addressQuery(id, name, type);
  if (query === undefined) return undefined;
  const startMs = clock.monotonicMs();
  using deadline = new Deadline(clock, { delayMs: waitMs });
  const { signal } = deadline;
  const socket = await transport.bind(HERE);
  try {
    await socket.send(query, service.address, { signal });
    for (;;) {
      const { payload } = (await socket.receive({ signal }))!;
      const answer = readDnsAnswer(payload);
      if (answer?.id !== id) continue;
      const { addresses } = addressesIn(payload, answer.question);
      return {
        code: payload[3]! & CODE,
        addresses: addresses.map(formatIp),
        tookMs: clock.monotonicMs() - startMs,
      };
    }
  } catch (error) {
    if (!signal.aborted) throw error;
    return undefined;
  } finally {
    socket.close();
  }
}

/** Length in bytes of a random label, which no cache has. */
const LABEL_BYTES = 8;

/** Type of a TXT record. RFC 1035 §3.2.2. */
const TXT = 16;

/** Mask of the response code in the fourth byte of a message. */
const CODE = 0x0f;

function countsOf(
  ways: readonly DnsWayStatus[],
): ReadonlyMap<string, number> {
  return new Map(ways.map(({ way, asked }) => [way, asked]));
}
