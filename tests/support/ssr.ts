/**
 * Ends of ShadowsocksR for tests.
 *
 * @module
 */
import type { Clock } from "../../src/clock.ts";
import { referenceKeyStreams } from "../../src/crypto/key_streams/reference.ts";
import {
  findStreamMethod,
  type StreamMethod,
} from "../../src/crypto/stream_methods.ts";
import type { RandomBytes } from "../../src/random.ts";
import { RecentSalts } from "../../src/security/replay_filter.ts";
import { SaltTable } from "../../src/security/salt_table.ts";
import { IvMemory } from "../../src/session/stream_cipher/iv_memory.ts";
import { ConnectionMemory } from "../../src/security/connection_memory.ts";
import type { SsrClientPort } from "../../src/session/shadowsocksr/client.ts";
import { SsrIdentity } from "../../src/session/shadowsocksr/identity.ts";
import {
  findSsrObfs,
  findSsrProtocol,
} from "../../src/session/shadowsocksr/names.ts";
import type { SsrServerPort } from "../../src/session/shadowsocksr/server.ts";
import { SsrKey } from "../../src/session/shadowsocksr/ssr_key.ts";
import { ssrMethod } from "../../src/session/shadowsocksr/method.ts";
import { SsrUsers } from "../../src/session/shadowsocksr/users.ts";
import type { SsrServerWorld } from "../../src/session/shadowsocksr/world.ts";
import { randomSplit, seededRandom, utf8 } from "./bytes.ts";
import { FakeClock } from "./fake_clock.ts";

/** Returns a method by its name. */
export function methodOfSsr(name: string): StreamMethod {
  const method = findStreamMethod(name);
  if (method === undefined) throw new RangeError(`There is no method ${name}`);
  return ssrMethod(method);
}

/** Returns a key; default: `0x07` in every byte. */
export function ssrKey(method = "aes-128-ctr", key?: Uint8Array): SsrKey {
  const found = methodOfSsr(method);
  return new SsrKey(
    found,
    key ?? new Uint8Array(found.keyLength).fill(7),
    referenceKeyStreams,
  );
}

/** Returns a memory for 1,024 IVs. */
export function ssrMemory(): IvMemory {
  return new IvMemory(new RecentSalts(SaltTable.make(512, false)), 512);
}

/** Returns random bytes that depend only on the seed. */
export function seededRandomBytes(seed = 1): RandomBytes {
  const next = seededRandom(seed);
  return (length) => {
    // Fuzz tests draw a thousand bytes for each input.
    const bytes = new Uint8Array(length);
    for (let i = 0; i < length; i++) bytes[i] = next() >>> 24;
    return bytes;
  };
}

/** Number of worlds; each has other random bytes. */
let worlds = 0;

/** Returns the dependencies of a server that has just started. */
export function ssrWorld(
  clock: Clock = new FakeClock(),
): SsrServerWorld {
  return {
    clock,
    randomBytes: seededRandomBytes(++worlds),
    connections: new ConnectionMemory(clock),
    memory: ssrMemory(),
    clientHost: () => "192.0.2.1",
  };
}

/** The settings of both ends. */
export interface SsrOptions {
  readonly method?: string;
  readonly key?: Uint8Array;
  readonly protocol?: string;
  readonly obfs?: string;
  readonly obfsParam?: string;
  /** Users of the server, `uid: password`. */
  readonly users?: Readonly<Record<string, string>>;
}

/** Returns the configuration of the server. */
export function ssrPort(options: SsrOptions = {}): SsrServerPort {
  const users = new SsrUsers();
  users.set(
    Object.entries(options.users ?? {}).map(([uid, password]) => ({
      name: `user-${uid}`,
      uid: Number(uid),
      password: utf8(password),
    })),
  );
  return {
    key: ssrKey(options.method, options.key),
    protocol: findSsrProtocol(options.protocol ?? "origin"),
    obfs: findSsrObfs(options.obfs ?? "plain"),
    obfsParam: options.obfsParam ?? "",
    users,
  };
}

/** Returns the configuration of the client, which is the first user. */
export function ssrKeys(
  options: SsrOptions = {},
  identity: SsrIdentity = new SsrIdentity(seededRandomBytes(77)),
): SsrClientPort {
  const [user] = Object.entries(options.users ?? {});
  return {
    key: ssrKey(options.method, options.key),
    protocol: findSsrProtocol(options.protocol ?? "origin").name,
    obfs: findSsrObfs(options.obfs ?? "plain").name,
    obfsParam: options.obfsParam ?? "",
    host: "server.example",
    port: 8388,
    user: user && { uid: Number(user[0]), password: utf8(user[1]) },
    identity,
  };
}

/** Returns these bytes in order, one for each call; then others. */
export function scriptedRandom(
  ...script: readonly Uint8Array[]
): RandomBytes {
  const left = [...script];
  const others = seededRandomBytes(5);
  return (length) => {
    const next = left.shift();
    if (next === undefined) return others(length);
    if (next.length === length) return next;
    throw new RangeError(`Asked for ${length} bytes, not ${next.length}`);
  };
}

/** Returns ways to cut the same bytes: whole, one by one, at random. */
export function waysToCut(bytes: Uint8Array): Uint8Array[][] {
  return [
    [bytes],
    Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
    ...[1, 2, 3].map((seed) => randomSplit(bytes, seed)),
  ];
}
