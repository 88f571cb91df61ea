/**
 * The measurements; each yields rows of the table.
 *
 * @module
 */
import { ssrPeerSkip } from "../e2e/ssr_peers.ts";
import {
  datagrams,
  memory,
  oneAtATime,
  socksConnections,
  socksThroughput,
  throughput,
  tunnelConnections,
  type Values,
} from "./measure.ts";
import {
  builtPeers,
  floor,
  legacy,
  LIBEV,
  PYTHON_SSR,
  SSR_OPTIONS,
  type System,
  umbra,
} from "./systems.ts";
import { rateAmongUsers, USER_SCENES } from "./users.ts";

/** A measurement. */
export interface Measurement {
  /** The name for `--only`. */
  readonly name: string;
  readonly systems: readonly System[];
  /** Number of rounds in one run. */
  readonly rounds: number;
  /** Returns values by name and unit of their row, separated by `|`. */
  measure(system: System): Promise<Values>;
}

/** The extent of a run. */
export interface Extent {
  readonly rounds: number;
  readonly seconds: number;
  /** True to measure Umbra also with each crypto provider. */
  readonly providers: boolean;
}

const METHOD = "aes-256-gcm";
const NEW_METHOD = "2022-blake3-aes-256-gcm";

/**
 * Number of held connections: the memory of one is a thousandth of the total.
 */
const HELD = 4_000;

const OURS = [umbra("bun"), umbra("deno")];
const OURS_ON_LINUX = [
  umbra("bun", { transport: "linux" }),
  umbra("deno", { transport: "linux" }),
];
const FLOORS = [floor("bun"), floor("deno")];
const FLOORS_ON_LINUX = [floor("bun", "linux"), floor("deno", "linux")];

/**
 * Returns all measurements. `users`, which other systems do not have, must be
 * selected by name.
 */
export function measurements(extent: Extent): Measurement[] {
  return [
    ...tunnelThroughput(extent),
    ...throughputOf2022(extent),
    ...newConnections(extent),
    oneByOne(extent),
    udp(extent),
    memoryAndHeld(extent),
    ...legacyThroughput(extent),
    users(extent),
  ];
}

function tunnelThroughput(
  { rounds, seconds, providers }: Extent,
): Measurement[] {
  const peers = builtPeers().filter(({ name }) => name === "sing-box");
  const ours = [
    ...OURS,
    ...providers
      ? (["bun", "deno"] as const).flatMap((runtime) =>
        ["openssl", "node", "noble"].map((crypto) => umbra(runtime, { crypto }))
      )
      : [],
  ];
  const all: readonly (readonly [string, number, boolean, System[]])[] = [
    [METHOD, 1, true, [...ours, ...OURS_ON_LINUX, ...peers, ...FLOORS]],
    [METHOD, 1, false, ours],
    [METHOD, 8, true, [...ours, ...OURS_ON_LINUX, ...peers]],
    [METHOD, 8, false, ours],
    [METHOD, 64, true, ours],
    ["chacha20-ietf-poly1305", 1, true, ours],
  ];
  return all.map(([method, connections, down, systems]) => {
    const name = nameOf(method, connections, down);
    return {
      name,
      systems: [LIBEV, ...systems].filter((system) => knows(system, method)),
      rounds,
      async measure(system): Promise<Values> {
        const options = { connections, down, seconds };
        const { speed, cpu } = await throughput(system, method, options);
        return { [`${name}|MiB/s`]: speed, [`${name}|CPU s/GiB`]: cpu };
      },
    };
  });
}

/**
 * False for ChaCha20-Poly1305 with Bun's node:crypto, which does not support
 * it.
 */
function knows({ name }: System, method: string): boolean {
  return name !== "bun node" || !method.startsWith("chacha20");
}

function throughputOf2022({ rounds, seconds }: Extent): Measurement[] {
  return [1, 8].map((connections) => {
    const name = `${nameOf(NEW_METHOD, connections, true)}, by SOCKS5`;
    return {
      name,
      systems: [...rust(), ...OURS, ...OURS_ON_LINUX, ...FLOORS],
      rounds,
      async measure(system): Promise<Values> {
        const options = { connections, down: true, seconds };
        const speed = await socksThroughput(system, NEW_METHOD, options);
        return { [`${name}|MiB/s`]: speed };
      },
    };
  });
}

function newConnections({ rounds, seconds }: Extent): Measurement[] {
  const name = "new connections";
  const rows = (
    row: string,
    method: string,
    systems: readonly System[],
    measure: typeof tunnelConnections,
  ): Measurement => ({
    name: row,
    systems,
    rounds,
    async measure(system): Promise<Values> {
      const { perSecond, cpuUs } = await measure(system, method, seconds);
      return { [`${row}|1/s`]: perSecond, [`${row}, CPU|µs`]: cpuUs };
    },
  });
  return [
    rows(
      name,
      METHOD,
      [LIBEV, ...OURS, ...OURS_ON_LINUX, ...FLOORS, ...FLOORS_ON_LINUX],
      tunnelConnections,
    ),
    rows(
      `${name}, by SOCKS5`,
      METHOD,
      [
        ...[LIBEV, ...OURS, ...OURS_ON_LINUX, ...builtPeers()],
        ...[...FLOORS, ...FLOORS_ON_LINUX],
      ],
      socksConnections,
    ),
    rows(
      `${name}, ${NEW_METHOD}, by SOCKS5`,
      NEW_METHOD,
      [...rust(), ...OURS, ...OURS_ON_LINUX],
      socksConnections,
    ),
  ];
}

function oneByOne({ rounds, seconds }: Extent): Measurement {
  return {
    name: "one client at a time",
    systems: [
      ...[LIBEV, ...OURS, ...OURS_ON_LINUX, ...builtPeers()],
      ...[...FLOORS, ...FLOORS_ON_LINUX],
    ],
    rounds,
    async measure(system): Promise<Values> {
      const one = await oneAtATime(system, METHOD, seconds);
      return {
        "first byte, median|ms": one.firstByteMs,
        "one client at a time, new connections|1/s": one.perSecond,
      };
    },
  };
}

function udp({ rounds, seconds }: Extent): Measurement {
  return {
    name: "UDP",
    systems: [
      ...[LIBEV, ...OURS, ...OURS_ON_LINUX, ...builtPeers()],
      ...FLOORS_ON_LINUX,
    ],
    rounds,
    measure: (system) => datagrams(system, METHOD, seconds),
  };
}

/** One round, because it takes long and memory hardly varies. */
function memoryAndHeld({ seconds }: Extent): Measurement {
  return {
    name: "memory, and new connections beside others",
    systems: [LIBEV, ...OURS, ...OURS_ON_LINUX],
    rounds: 1,
    measure: (system) => memory(system, METHOD, HELD, seconds),
  };
}

function legacyThroughput({ seconds }: Extent): Measurement[] {
  const oneDown = (
    name: string,
    method: string,
    systems: readonly System[],
  ): Measurement => ({
    name,
    systems,
    rounds: 1,
    async measure(system): Promise<Values> {
      const options = { connections: 1, down: true, seconds };
      const { speed, cpu } = await throughput(system, method, options);
      return { [`${name}|MiB/s`]: speed, [`${name}|CPU s/GiB`]: cpu };
    },
  });
  return [
    ...["aes-256-cfb", "chacha20-ietf"].map((method) =>
      oneDown(nameOf(method, 1, true), method, [
        LIBEV,
        legacy("bun"),
        legacy("deno"),
      ])
    ),
    oneDown(
      "ShadowsocksR auth_aes128_md5 tls1.2_ticket_auth, 1 connection down",
      "aes-256-cfb",
      [
        ...ssrPeerSkip() ? [] : [PYTHON_SSR],
        legacy("bun", SSR_OPTIONS),
        legacy("deno", SSR_OPTIONS),
      ],
    ),
  ];
}

function users({ rounds, seconds }: Extent): Measurement {
  return {
    name: "users",
    systems: OURS,
    rounds,
    async measure({ name }): Promise<Values> {
      const rates: Record<string, number> = {};
      for (const scene of USER_SCENES) {
        const runtime = name as "deno" | "bun";
        const rate = await rateAmongUsers(runtime, scene, seconds);
        rates[`${scene.name}|1/s`] = rate.perSecond;
        rates[`${scene.name}, processor|ms`] = rate.cpuMs;
      }
      return rates;
    },
  };
}

function rust(): System[] {
  return builtPeers().filter(({ name }) => name === "rust");
}

function nameOf(method: string, connections: number, down: boolean): string {
  const many = connections === 1
    ? "1 connection"
    : `${connections} connections`;
  return `${method}, ${many} ${down ? "down" : "up"}`;
}
