/**
 * Tests a recorded request that is sent again: the server is silent, as to any
 * stranger, and counts it for the operator.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findMethod, METHODS } from "../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../src/crypto/noble.ts";
import type { ErrorCode } from "../../src/errors.ts";
import { silentMetrics } from "../../src/observe.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { sharedReplayFilters } from "../../src/security/replay_filter.ts";
import { startServer as start } from "../../src/service/server/server.ts";
import type { Connection } from "../../src/transport.ts";
import type { Dependencies, Service } from "../../src/service/service.ts";
import { clientProtocol } from "../../src/session/families.ts";
import { seededBytes, utf8 } from "../support/bytes.ts";
import { settle } from "../support/fake_clock.ts";
import {
  CLOSED,
  noJitter,
  PATIENCE_MS,
  type Probe,
  probe,
  SILENT,
} from "../support/probes.ts";
import { observe, send } from "../support/streams.ts";
import { accepted, SERVER, TARGET, World } from "../support/world.ts";
import { formatAddress } from "../../src/codec/address.ts";
import type { ReplayFilter } from "../../src/security/replay_filter.ts";
import { FORGETFUL } from "../support/sessions.ts";

for (const { name, family } of METHODS) {
  describe(name, () => {
    test("a request sent again, whole and cut at every byte, at once", async () => {
      const scene = await Scene.start(name);
      const { request } = await scene.record();
      await scene.expectSilence([
        ...[request, request, seededBytes(request.length)],
        ...cuts(request),
      ]);
      assert.equal(scene.counted("ERR_SS_REPLAY") >= 2, true);
      await scene.stop();
    });

    test("a request sent again after 1, 29, 31 and 61 seconds, whole and cut at every byte", async () => {
      const scene = await Scene.start(name);
      const { request } = await scene.record();
      let atS = 0;
      for (const [i, afterS] of [1, 29, 31, 61].entries()) {
        await scene.world.clock.advance((afterS - atS) * 1_000);
        atS = afterS;
        const counts = scene.refused();
        await scene.expectQuiet(request);
        assert.equal(scene.refused(), counts + 1);
        const stale = scene.counted("ERR_SS_TIMESTAMP") > 0;
        assert.equal(stale, family.needsClock && i >= 2, `after ${afterS} s`);
        await scene.expectQuiet(...cuts(request));
      }
      await scene.stop();
    });

    test("a request that was recorded and held back counts as the first", async () => {
      const scene = await Scene.start(name);
      const { request } = await scene.record();
      // A request that was cut short was never served, and its sender may
      // complete it.
      const other = scene.seal();
      await scene.expectQuiet(other.subarray(0, 16));
      await scene.expectServed(other);
      await scene.expectQuiet(other);
      await scene.expectQuiet(request);
      await scene.stop();
    });
  });
}

for (const { name } of METHODS.filter(({ family }) => family.needsClock)) {
  test(`${name}: a request sent again after a restart, whole and cut at every byte`, async () => {
    const scene = await Scene.start(name);
    const { request } = await scene.record();
    for (const waitMs of [1_000, 28_000, 2_000, 30_000]) {
      await scene.world.clock.advance(waitMs);
      await scene.restart();
      const before = scene.counted("ERR_SS_TIMESTAMP");
      await scene.expectQuiet(request);
      assert.equal(scene.counted("ERR_SS_TIMESTAMP"), before + 1);
      await scene.expectQuiet(...cuts(request));
    }
    await scene.expectServed(scene.seal());
    await scene.stop();
  });
}

for (const { name } of METHODS.filter(({ family }) => family.needsClock)) {
  test(`${name}: a clock that is set serves who comes, and no replay`, async () => {
    for (
      const [atStartMs, laterMs] of [
        [8 * 3_600_000, -8 * 3_600_000],
        [-8 * 3_600_000, 8 * 3_600_000],
        [25_000, -25_000],
        [0, -3_600_000],
      ] as const
    ) {
      const scene = await Scene.start(name);
      const { clock } = scene.world;
      const recordings = [await scene.record()];
      clock.setForward(atStartMs);
      await clock.advance(1_000);
      await scene.restart();
      recordings.push(await scene.record());
      await clock.advance(2_000);
      clock.setForward(laterMs);
      recordings.push(await scene.record());
      for (const { request } of recordings) {
        const before = scene.refused();
        await scene.expectQuiet(request);
        assert.equal(scene.refused(), before + 1, `${laterMs}`);
      }
      await scene.expectServed(scene.seal());
      await scene.stop();
    }
  });
}

test("a request sent again to another server of the same process", async () => {
  const world = new World();
  const scene = await Scene.start("2022-blake3-aes-128-gcm", {
    replayFilter: sharedReplayFilters(world.clock),
  });
  const { request } = await scene.record();
  const other = await scene.another({ host: "10.0.0.2", port: 8389 });
  const { client, seen } = await probe2(scene, request, 8389);
  await settle();
  assert.deepEqual(seen(), SILENT);
  assert.equal(scene.counted("ERR_SS_REPLAY"), 1);
  client.close();
  await scene.world.stop(other);
  await scene.stop();
});

test("a response sent back to a server of 2017 is not served", async () => {
  const scene = await Scene.start("aes-128-gcm");
  const { response } = await scene.record(
    // The target's answer looks like an address.
    Uint8Array.of(1, 10, 0, 0, 3, 0, 80, 1, 2, 3),
  );
  await scene.expectQuiet(response);
  assert.equal(scene.counted("ERR_SS_REPLAY"), 1);
  await scene.stop();
});

test("a memory that answers later decides, and one that fails serves nothing", async () => {
  for (const name of ["aes-128-gcm", "2022-blake3-aes-128-gcm"]) {
    const answers: PromiseWithResolvers<boolean>[] = [];
    const remote: ReplayFilter = {
      ...FORGETFUL,
      add(): Promise<boolean> {
        const answer = Promise.withResolvers<boolean>();
        answers.push(answer);
        return answer.promise;
      },
    };
    const scene = await Scene.start(name, { replayFilter: () => remote });
    const verdicts: [(at: PromiseWithResolvers<boolean>) => void, boolean][] = [
      [({ resolve }) => resolve(true), true],
      [({ resolve }) => resolve(false), false],
      [({ reject }) => reject(new Error("the engine is down")), false],
    ];
    for (const [decide, isServed] of verdicts) {
      const { client, seen } = await probe(scene.world, scene.seal());
      // The target is dialled meanwhile, but gets no bytes.
      const far = await scene.accept();
      const arrived = observe(far);
      await settle();
      assert.deepEqual(seen(), SILENT);
      assert.deepEqual(arrived(), SILENT, "served before it was answered");
      decide(answers.at(-1)!);
      await settle();
      assert.equal(arrived().received.length > 0, isServed);
      assert.equal(arrived().end === "open", isServed);
      assert.deepEqual(seen(), SILENT);
      client.close();
      far.close();
      await settle();
    }
    assert.equal(scene.counted("ERR_SS_REPLAY"), 2);
    await scene.stop();
  }
});

test("without the filter replays are served, so the tests above can fail", async () => {
  const nothing = FORGETFUL;
  for (const name of ["aes-128-gcm", "2022-blake3-aes-128-gcm"]) {
    const scene = await Scene.start(name, { replayFilter: () => nothing });
    const { request } = await scene.record();
    await scene.expectServed(request);
    await scene.restart();
    await scene.expectServed(request);
    await scene.stop();
  }
});

/** A server, its target, and an attacker who records. */
class Scene {
  readonly world: World = new World({ capacity: 1 << 20 });
  readonly #codes: ErrorCode[] = [];
  readonly #name: string;
  readonly #more: Partial<Dependencies>;
  #target!: Awaited<ReturnType<World["target"]>>;
  #server!: Service;

  private constructor(name: string, more: Partial<Dependencies>) {
    this.#name = name;
    this.#more = more;
  }

  static async start(
    name: string,
    more: Partial<Dependencies> = {},
  ): Promise<Scene> {
    const scene = new Scene(name, more);
    scene.#target = await scene.world.target();
    scene.#server = await scene.another(SERVER);
    return scene;
  }

  another(listen: { host: string; port: number }): Promise<Service> {
    return start({
      listen,
      ...this.#keys,
      handshakeTimeoutMs: PATIENCE_MS,
      maxConnections: 10_000,
    }, {
      ...this.world.dependencies,
      // The deadline needs no jitter, salts must differ.
      randomBytes: (length) =>
        length === 4 ? noJitter(length) : systemRandomBytes(length),
      metrics: {
        ...silentMetrics,
        connectionRefused: (code) => this.#codes.push(code),
      },
      ...this.#more,
    });
  }

  accept(): Promise<Connection> {
    return accepted(this.#target);
  }

  async restart(): Promise<void> {
    await this.world.stop(this.#server);
    this.#server = await this.another(SERVER);
  }

  async stop(): Promise<void> {
    this.#target.close();
    await this.world.stop(this.#server);
    assert.equal(this.world.network.openConnections, 0);
  }

  /** Connections to the target so far. */
  get served(): number {
    const target = formatAddress(TARGET);
    return this.world.network.dialled.filter((to) => to === target).length;
  }

  counted(code: ErrorCode): number {
    return this.#codes.filter((one) => one === code).length;
  }

  /** Number of requests that were refused as repeated or too old. */
  refused(): number {
    return this.counted("ERR_SS_REPLAY") + this.counted("ERR_SS_TIMESTAMP");
  }

  /** Returns a new request. */
  seal(): Uint8Array {
    return clientProtocol(this.#keys, {
      aeadProvider: nobleProvider,
      keyStreamProvider: referenceKeyStreams,
      clock: this.world.clock,
      randomBytes: systemRandomBytes,
    }).stream().request(TARGET, utf8("GET / HTTP/1.1\r\n\r\n"));
  }

  /** Returns the bytes on the wire when a client is served. */
  async record(
    answer: Uint8Array = utf8("hello"),
  ): Promise<{ request: Uint8Array; response: Uint8Array }> {
    const request = this.seal();
    const response = await this.expectServed(request, answer);
    return { request, response };
  }

  async expectServed(
    request: Uint8Array,
    answer: Uint8Array = utf8("hello"),
  ): Promise<Uint8Array> {
    const { client, seen } = await probe(this.world, request);
    const far = await accepted(this.#target);
    await send(far, answer);
    await settle();
    const { received } = seen();
    assert.ok(received.length > 0);
    client.close();
    far.close();
    await settle();
    return received;
  }

  /** Checks that there is no reaction yet, as to random bytes. */
  async expectQuiet(...all: Uint8Array[]): Promise<void> {
    const probes: Probe[] = [];
    for (const bytes of all) probes.push(await probe(this.world, bytes));
    await settle();
    for (const { client, seen } of probes) {
      assert.deepEqual(seen(), SILENT);
      client.close();
    }
    await settle();
  }

  /**
   * Checks that there is no reaction until the deadline, and then the same
   * close.
   */
  async expectSilence(probes: readonly Uint8Array[]): Promise<void> {
    const running = await Promise.all(
      probes.map((bytes) => probe(this.world, bytes)),
    );
    await this.world.clock.advance(PATIENCE_MS - 1);
    for (const { seen } of running) assert.deepEqual(seen(), SILENT);
    await this.world.clock.advance(1);
    for (const { seen, client } of running) {
      assert.deepEqual(seen(), CLOSED);
      client.close();
    }
  }

  get #keys(): Parameters<typeof clientProtocol>[0] {
    const method = findMethod(this.#name);
    return { method, masterKey: new Uint8Array(method.keyLength).fill(1) };
  }
}

/** Returns the request cut at each byte. */
function cuts(request: Uint8Array): Uint8Array[] {
  return Array.from(request.keys(), (cut) => request.subarray(0, cut));
}

async function probe2(
  scene: Scene,
  bytes: Uint8Array,
  port: number,
): Promise<Probe> {
  const client = await scene.world.network.dial({ ...SERVER, port });
  const seen = observe(client);
  await send(client, bytes);
  return { client, seen };
}
