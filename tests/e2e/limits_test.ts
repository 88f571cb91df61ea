/**
 * What a user is allowed, over real sockets, on both runtimes: who has reached
 * a limit is held to it, and the others do not notice.
 *
 * `UMBRA_QUOTA_MIB=1024` makes the downloads a gibibyte.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { connect } from "node:net";
import { join } from "node:path";
import process from "node:process";
import { describe, test } from "node:test";
import { systemClock } from "../../src/clock.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../src/crypto/noble.ts";
import { MAX_READ_BUFFER } from "../../src/limits.ts";
import { systemRandomBytes } from "../../src/random.ts";
import type { ClientSession } from "../../src/session/stream_protocol.ts";
import { clientProtocol } from "../../src/session/families.ts";
import type { UserLimits, UserUsage } from "../../src/users.ts";
import type { LimitedOptions } from "../support/limited_server.ts";
import { Program } from "../support/process.ts";
import { report } from "../support/report.ts";
import { bunPath, denoPath, ROOT } from "../support/runtimes.ts";
import {
  command,
  MIB,
  patternDigest,
  patternParts,
  Target,
} from "../support/target.ts";
import { type Address, socksConnect, TcpStream } from "../support/tcp.ts";
import { pause } from "../support/within.ts";
import { type End, startLocal } from "./chain.ts";

const METHOD = findMethod("2022-blake3-aes-128-gcm");
const IDENTITY = 9;
const KEYS = { alice: 1, bob: 2 } as const;

type User = keyof typeof KEYS;

const DOWNLOAD = Number(process.env["UMBRA_QUOTA_MIB"] ?? 128) * MIB;

const COMMAND = {
  deno: [denoPath()!, "run", "-A", "--no-check"],
  bun: [bunPath(), "--no-install"],
} as const;

for (const runtime of ["deno", "bun"] as const) {
  describe(`a user of a server on ${runtime}`, () => {
    test("is stopped in the middle of a download by its quota", async () => {
      const quotaBytes = DOWNLOAD * 3 / 4;
      await using target = await Target.start();
      await using server = await LimitedServer.start(runtime, { quotaBytes });
      await using alice = await server.local("alice");
      await using bob = await server.local("bob");
      const [cut, whole] = await Promise.all([
        download(alice, target, DOWNLOAD),
        download(bob, target, DOWNLOAD),
      ]);
      report(`${runtime}: ${cut.bytes} of ${quotaBytes} bytes arrived`);
      assert.deepEqual(whole, {
        bytes: DOWNLOAD,
        digest: patternDigest(DOWNLOAD),
      });
      // What was under way when the user was cut off is lost with the reset.
      assert.ok(cut.bytes > 0.9 * quotaBytes && cut.bytes <= quotaBytes);
      // The read that was too long for the rest ended the connection.
      const { bytes } = await download(alice, target, 1_000_000);
      assert.ok(bytes < MAX_READ_BUFFER, `${bytes}`);
      assert.equal((await download(bob, target, 10)).bytes, 10);
      const usage = await server.usage();
      const used = usage.alice.bytesUp + usage.alice.bytesDown;
      assert.ok(used > 0.99 * quotaBytes && used <= quotaBytes, `${used}`);
      assert.equal(usage.bob.bytesDown, DOWNLOAD + 10);
    });

    test("is slowed to its rate, in each direction", async () => {
      const bytesPerSecond = 2_000_000;
      const seconds = 4;
      const length = bytesPerSecond * seconds;
      await using target = await Target.start();
      await using server = await LimitedServer.start(runtime, {
        bytesPerSecond,
      });
      await using alice = await server.local("alice");
      await using bob = await server.local("bob");
      const startMs = performance.now();
      const since = (): number => (performance.now() - startMs) / 1_000;
      const [down, up, other] = await Promise.all([
        download(alice, target, length).then(since),
        upload(alice, target, length).then(since),
        download(bob, target, length).then(since),
      ]);
      report(
        `${runtime}: ${down.toFixed(2)} s down, ${up.toFixed(2)} s up, ` +
          `${other.toFixed(2)} s without the limit`,
      );
      for (const took of [down, up]) {
        assert.ok(Math.abs(took - seconds) < 0.05 * seconds, `${took} s`);
      }
      assert.ok(other < seconds / 2, `${other} s`);
    });

    test("may come from so many addresses at once", async () => {
      await using target = await Target.start();
      await using server = await LimitedServer.start(runtime, { maxHosts: 1 });
      const first = await server.dial("alice", "127.0.0.1", target);
      assert.equal(await first.answers(), true);
      const second = await server.dial("alice", "127.0.0.1", target);
      assert.equal(await second.answers(), true);
      using refused = await server.dial("alice", "127.0.0.2", target);
      assert.equal(await refused.answers(), false);
      using other = await server.dial("bob", "127.0.0.2", target);
      assert.equal(await other.answers(), true);
      assert.equal(await first.answers(), true);
      for (const one of [first, second]) one[Symbol.dispose]();
      await pause(100);
      using later = await server.dial("alice", "127.0.0.2", target);
      assert.equal(await later.answers(), true);
    });

    test("is sent away when it has expired", async () => {
      const expiresUnixMs = Date.now() + 4_000;
      await using target = await Target.start();
      await using server = await LimitedServer.start(runtime, {
        expiresUnixMs,
      });
      const at = "127.0.0.1";
      using alice = await server.dial("alice", at, target);
      using bob = await server.dial("bob", at, target);
      for (const one of [alice, bob]) assert.equal(await one.answers(), true);
      await pause(expiresUnixMs - Date.now() + 1);
      assert.equal(await alice.answers(), false);
      assert.equal(await bob.answers(), true);
      using late = await server.dial("alice", at, target);
      assert.equal(await late.answers(), false);
      using fresh = await server.dial("bob", at, target);
      assert.equal(await fresh.answers(), true);
    });
  });
}

/** A process with users alice, who has limits, and bob, who has none. */
class LimitedServer implements AsyncDisposable {
  readonly #program: Program;
  readonly #address: Address;
  readonly #runtime: keyof typeof COMMAND;

  private constructor(program: Program, runtime: keyof typeof COMMAND) {
    this.#program = program;
    this.#runtime = runtime;
    const [, address] = /^listening (.*)$/m.exec(program.output)!;
    this.#address = JSON.parse(address!);
  }

  static async start(
    runtime: keyof typeof COMMAND,
    limits: UserLimits,
  ): Promise<LimitedServer> {
    const options: LimitedOptions = {
      method: METHOD.name,
      identity: IDENTITY,
      users: [
        { name: "alice", key: KEYS.alice, limits },
        { name: "bob", key: KEYS.bob },
      ],
    };
    const program = await Program.start([
      ...COMMAND[runtime],
      join(ROOT, "tests", "support", "limited_server.ts"),
      JSON.stringify(options),
    ], { ready: /^listening .*$/m, cwd: ROOT });
    return new LimitedServer(program, runtime);
  }

  /** A local of a user's own. */
  local(user: User): Promise<End> {
    const password = [IDENTITY, KEYS[user]]
      .map((byte) => Buffer.from(key(byte)).toString("base64")).join(":");
    return startLocal(this.#runtime, this.#address, {
      method: METHOD.name,
      password,
    });
  }

  /** A connection of a user from an address, to an echo. */
  async dial(
    user: User,
    localAddress: string,
    target: Target,
  ): Promise<Echo> {
    const session = clientProtocol({
      method: METHOD,
      masterKey: key(KEYS[user]),
      identityKeys: [key(IDENTITY)],
    }, {
      aeadProvider: nobleProvider,
      keyStreamProvider: referenceKeyStreams,
      clock: systemClock,
      randomBytes: systemRandomBytes,
    }).stream();
    const { promise, resolve, reject } = Promise.withResolvers<TcpStream>();
    const to = { ...this.#address, localAddress, allowHalfOpen: true };
    const socket = connect(to, () => {
      socket.off("error", reject);
      resolve(new TcpStream(socket));
    });
    socket.once("error", reject);
    const stream = await promise;
    await stream.write(session.request(target.address, command("echo")));
    return new Echo(stream, session);
  }

  /** Ends it, and tells what was counted. */
  async usage(): Promise<Readonly<Record<User, UserUsage>>> {
    await this.#program.stop();
    return JSON.parse(/^usage (.*)$/m.exec(this.#program.output)![1]!);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program.stop();
  }
}

/** One connection of a user. */
class Echo implements Disposable {
  readonly #stream: TcpStream;
  readonly #session: ClientSession;

  constructor(stream: TcpStream, session: ClientSession) {
    this.#stream = stream;
    this.#session = session;
  }

  /** Whether something comes back when something is sent. */
  async answers(): Promise<boolean> {
    try {
      await this.#stream.write(this.#session.seal(command("hello")));
      for (;;) {
        const bytes = await this.#stream.read(10_000);
        // What is broken off begins a chunk, and has no payload.
        if (bytes === undefined) return false;
        if (this.#session.open(bytes).payload.length > 0) return true;
      }
    } catch (error) {
      if ((error as { code?: string }).code === undefined) throw error;
      return false;
    }
  }

  [Symbol.dispose](): void {
    this.#stream.close();
  }
}

function key(byte: number): Uint8Array {
  return new Uint8Array(METHOD.keyLength).fill(byte);
}

/** What arrives of a download, until it ends in whatever way. */
async function download(
  local: End,
  target: Target,
  length: number,
): Promise<{ bytes: number; digest: string }> {
  using stream = await socksConnect(local.address, target.address);
  await stream.write(command(`down ${length}`));
  const hash = createHash("sha256");
  let bytes = 0;
  try {
    for (let chunk; (chunk = await stream.read()) !== undefined;) {
      bytes += chunk.length;
      hash.update(chunk);
    }
  } catch {
    // A reset: what came before it counts.
  }
  return { bytes, digest: hash.digest("hex") };
}

async function upload(
  local: End,
  target: Target,
  length: number,
): Promise<void> {
  using stream = await socksConnect(local.address, target.address);
  await stream.write(command(`up ${length}`));
  for (const part of patternParts(length)) await stream.write(part);
  const digest = Buffer.from(await stream.readAll()).toString();
  assert.equal(digest, patternDigest(length));
}
