/**
 * Thousands of strangers of every kind, and whether their kind can be told from
 * what they see: the number of bytes, the kind of end, and the distribution of
 * its time. Network and clock are ours and chance has a seed, so the outcome is
 * the same in every run.
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import { describe, test } from "node:test";
import { pathToFileURL } from "node:url";
import { findMethod } from "../../src/crypto/method.ts";
import { silentMetrics } from "../../src/observe.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { startServer } from "../../src/service/server/server.ts";
import type { Connection } from "../../src/transport.ts";
import { seededRandom, utf8 } from "../support/bytes.ts";
import { settle } from "../support/fake_clock.ts";
import {
  type MutantSource,
  withoutDrain,
  withSecondDeadline,
} from "../support/mutant_source.ts";
import { PATIENCE_MS } from "../support/probes.ts";
import { groupBy, type Reaction, tellApart } from "../support/statistics.ts";
import { type Kind, Strangers } from "../support/strangers.ts";
import { send } from "../support/streams.ts";
import { accepted, SERVER, TARGET, World } from "../support/world.ts";

type StartServer = typeof startServer;

/** Of each kind. */
const EACH = 50;

/** Significance level. With a fixed seed a false alarm never or always occurs. */
const ALPHA = 1e-3;

/** What strangers do beside what they are. */
const MANNERS = {
  "who send at once and wait": { sendAfterMs: 0, leaves: false },
  "who send late and wait": { sendAfterMs: 20_000, leaves: false },
  "who send and end their side": { sendAfterMs: 0, leaves: true },
} as const;

type Manner = typeof MANNERS[keyof typeof MANNERS];

for (
  const [name, withUsers] of [
    ["aes-256-gcm", false],
    ["2022-blake3-aes-128-gcm", true],
    ["2022-blake3-chacha20-poly1305", false],
  ] as const
) {
  describe(`strangers to ${name}`, () => {
    for (const [title, manner] of Object.entries(MANNERS)) {
      test(`${title}, cannot be told apart`, async () => {
        const { reactions, codes } = await meet(startServer, {
          name,
          withUsers,
          manner,
        });
        assert.deepEqual(tellApart(reactions, ALPHA), []);
        const all = [...reactions.values()].flat();
        assert.ok(all.length > 20 * EACH, `${all.length} strangers`);
        for (const { bytes, end, atMs } of all) {
          assert.deepEqual({ bytes, end }, { bytes: 0, end: "fin" });
          if (manner.leaves) assert.equal(atMs, LEAVE_MS);
          else assert.ok(atMs >= PATIENCE_MS && atMs < 1.5 * PATIENCE_MS);
        }
        // They were who they say.
        assert.ok(codes.has("ERR_SS_REPLAY"));
        assert.ok(codes.has("ERR_SS_AUTHENTICATION"));
        assert.equal(codes.has("ERR_SS_TIMESTAMP"), name.startsWith("2022"));
      });
    }
  });
}

describe("strangers to a server that does not keep silent", () => {
  const broken: [string, () => MutantSource, Manner][] = [
    [
      "but goes at the first error",
      withoutDrain,
      MANNERS["who send at once and wait"],
    ],
    [
      "but starts its wait again after an error",
      withSecondDeadline,
      MANNERS["who send late and wait"],
    ],
  ];
  for (const [title, mutate, manner] of broken) {
    test(`${title}, can be told apart`, async () => {
      using source = mutate();
      const { startServer: startBroken } = await import(
        pathToFileURL(join(source.path, "service", "server", "server.ts")).href
      );
      for (const name of ["aes-256-gcm", "2022-blake3-aes-128-gcm"]) {
        const { reactions } = await meet(startBroken, {
          name,
          withUsers: false,
          manner,
        });
        const found = tellApart(reactions, ALPHA);
        assert.ok(found.length >= 5, found.join("\n"));
      }
    });
  }
});

/** When those leave who do. */
const LEAVE_MS = 5_000;

/** Lets all kinds come to one server, in any order. */
async function meet(
  start: StartServer,
  { name, withUsers, manner }: {
    name: string;
    withUsers: boolean;
    manner: Manner;
  },
): Promise<{ reactions: Map<string, Reaction[]>; codes: Set<string> }> {
  const world = new World({ capacity: 1 << 20 });
  const target = await world.target();
  const strangers = new Strangers(findMethod(name), world.clock, withUsers);
  const codes = new Set<string>();
  const deadlines = seededRandom(1);
  const server = await start({
    listen: SERVER,
    ...strangers.serverKeys,
    handshakeTimeoutMs: PATIENCE_MS,
    maxConnections: 10_000,
  }, {
    ...world.dependencies,
    // Deadlines have a seed, and few values, since each is a step of the clock.
    randomBytes: (length) =>
      length === 4
        ? Uint8Array.of(deadlines() & 0xf8, 0, 0, 0)
        : systemRandomBytes(length),
    metrics: {
      ...silentMetrics,
      connectionRefused: (code) => codes.add(code),
    },
  });
  const recorded = strangers.request(TARGET, utf8("GET / HTTP/1.1\r\n\r\n"));
  const honest = await world.network.dial(SERVER);
  await send(honest, recorded);
  const far = await accepted(target);

  const next = seededRandom(2);
  const visits = shuffled(
    strangers.kinds(TARGET, recorded).flatMap((kind) =>
      Array.from({ length: EACH }, () => kind)
    ),
    next,
  ).map((kind) => ({ kind, visit: new Visit(world, manner, kind, next) }));
  for (const { visit } of visits) await visit.begin();
  await world.clock.advance(LEAVE_MS);
  for (const { visit } of visits) await visit.leave();
  await world.clock.advance(manner.sendAfterMs - LEAVE_MS);
  for (const { visit } of visits) await visit.sendLate();
  await world.clock.advance(2 * PATIENCE_MS);
  const seen = await Promise.all(
    visits.map(async ({ kind, visit }) => ({
      name: kind.name,
      reaction: await visit.end,
    })),
  );
  honest.close();
  far.close();
  target.close();
  await settle();
  await world.stop(server);
  assert.equal(world.network.dialled.filter(isTarget).length, 1);
  const reactions = new Map(
    [...groupBy(seen, ({ name }) => name)]
      .map(([name, group]) => [name, group.map(({ reaction }) => reaction)]),
  );
  return { reactions, codes };
}

/** One stranger. */
class Visit {
  /** What it was shown. */
  end!: Promise<Reaction>;
  readonly #world: World;
  readonly #manner: Manner;
  readonly #bytes: Uint8Array;
  #client!: Connection;

  constructor(world: World, manner: Manner, kind: Kind, next: () => number) {
    this.#world = world;
    this.#manner = manner;
    this.#bytes = kind.bytes(next);
  }

  async begin(): Promise<void> {
    this.#client = await this.#world.network.dial(SERVER);
    this.end = this.#watch();
    if (this.#manner.sendAfterMs === 0) await this.#send();
  }

  async leave(): Promise<void> {
    if (this.#manner.leaves) await this.#client.closeWrite();
  }

  async sendLate(): Promise<void> {
    if (this.#manner.sendAfterMs > 0) await this.#send();
  }

  async #send(): Promise<void> {
    if (this.#bytes.length > 0) await send(this.#client, this.#bytes);
  }

  async #watch(): Promise<Reaction> {
    const { clock } = this.#world;
    const startMs = clock.monotonicMs();
    let bytes = 0;
    let end = "fin";
    try {
      for await (const chunk of this.#client.readable) bytes += chunk.length;
    } catch (error) {
      end = (error as { code?: string }).code ?? String(error);
    }
    this.#client.close();
    return { bytes, end, atMs: clock.monotonicMs() - startMs };
  }
}

function isTarget(address: string): boolean {
  return address === `${TARGET.host}:${TARGET.port}`;
}

/** In any order, with a seed. */
function shuffled<T>(items: readonly T[], next: () => number): T[] {
  return items.map((item) => ({ item, key: next() }))
    .sort((a, b) => a.key - b.key)
    .map(({ item }) => item);
}
