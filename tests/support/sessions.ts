/**
 * Sessions with one key for tests: they return requests and payload, without
 * the steps around them, which have no other content here.
 *
 * @module
 */
import assert from "node:assert/strict";
import type { Address } from "../../src/codec/address.ts";
import type { Clock } from "../../src/clock.ts";
import type { MasterKey } from "../../src/crypto/aead.ts";
import type { Psk } from "../../src/crypto/psk.ts";
import { type RandomBytes, systemRandomBytes } from "../../src/random.ts";
import type { ReplayFilter } from "../../src/security/replay_filter.ts";
import type { ServerWorld } from "../../src/session/family.ts";
import type {
  PacketClient,
  PacketServer,
} from "../../src/session/packet_protocol.ts";
import {
  PacketClient2017,
  PacketServer2017,
} from "../../src/session/shadowsocks2017/packet.ts";
import {
  Client2017,
  Server2017,
} from "../../src/session/shadowsocks2017/stream.ts";
import { Users2017 } from "../../src/session/shadowsocks2017/users.ts";
import { Client2022 } from "../../src/session/shadowsocks2022/client.ts";
import { PacketClient2022 } from "../../src/session/shadowsocks2022/packet_client.ts";
import { PacketServer2022 } from "../../src/session/shadowsocks2022/packet_server.ts";
import { Server2022 } from "../../src/session/shadowsocks2022/server.ts";
import { Users2022 } from "../../src/session/shadowsocks2022/users.ts";
import type {
  ClientSession,
  ServerSession,
  StreamRequest,
} from "../../src/session/stream_protocol.ts";
import { referenceKeyStreams } from "../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../src/crypto/noble.ts";

/** A replay filter that accepts every replay. */
export const FORGETFUL: ReplayFilter = {
  remembers: () => true,
  add: () => true,
  remember: () => {},
};

/** An open stream. */
export interface PlainStream {
  seal(payload: Uint8Array): Uint8Array;
  open(bytes: Uint8Array): Uint8Array;
  end(): void;
  free(): void;
}

/** The session of `ss-local`. */
export interface PlainClient extends PlainStream {
  request(address: Address, payload: Uint8Array): Uint8Array;
}

/** The session of `ss-server`. */
export interface PlainServer extends PlainStream {
  accept(bytes: Uint8Array): StreamRequest | undefined;
}

/** Makes streams with one key. */
export interface Streams {
  client(): PlainClient;
  server(): PlainServer;
}

/** Makes both ends of packets with one key. */
export interface Packets {
  client(): PacketClient;
  server(): PacketServer;
}

/** Returns payload instead of steps. */
export function plainClient(session: ClientSession): PlainClient {
  return {
    ...plainStream(session),
    request: (address, payload) => session.request(address, payload),
  };
}

/** Returns requests and payload instead of steps. */
export function plainServer(session: ServerSession): PlainServer {
  return {
    ...plainStream(session),
    accept(bytes): StreamRequest | undefined {
      const { request, ...rest } = session.accept(bytes);
      assert.deepEqual(rest, {});
      return request;
    },
  };
}

function plainStream(session: ClientSession | ServerSession): PlainStream {
  return {
    seal: (payload) => session.seal(payload),
    open(bytes): Uint8Array {
      const { payload, ...rest } = session.open(bytes);
      assert.deepEqual(rest, {});
      return payload;
    },
    end: () => session.end(),
    free: () => session.free(),
  };
}

/** Streams of AEAD 2017. */
export function streams2017(
  key: MasterKey,
  randomBytes: RandomBytes = systemRandomBytes,
  replayFilter: ReplayFilter = FORGETFUL,
): Streams {
  const world = serverWorld({ randomBytes, replayFilter });
  return {
    client: () => plainClient(new Client2017(key, randomBytes)),
    server: () => plainServer(new Server2017(key, world)),
  };
}

/** Packets of AEAD 2017. */
export function packets2017(
  key: MasterKey,
  randomBytes: RandomBytes = systemRandomBytes,
): Packets {
  return {
    client: () => new PacketClient2017(key, randomBytes),
    server(): PacketServer {
      const users = new Users2017(key.method);
      users.set([{ masterKey: key }]);
      return new PacketServer2017(users, randomBytes);
    },
  };
}

/** Keys of both ends for a 2022 method. */
export interface Keys2022 {
  readonly psk: Psk;
  readonly identityKeys?: readonly Psk[];
  readonly users?: Users2022;
}

/** The dependencies of 2022 sessions besides keys. */
export interface World2022 {
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  readonly replayFilter?: ReplayFilter;
}

/** Streams of Shadowsocks 2022. */
export function streams2022(
  { psk, identityKeys = [], users }: Keys2022,
  world: World2022,
): Streams {
  const made = serverWorld(world);
  return {
    client: () => plainClient(new Client2022(psk, identityKeys, made)),
    server: () => {
      const named = users && users.size > 0 ? users : undefined;
      return plainServer(new Server2022(psk, named, made));
    },
  };
}

/** Packets of Shadowsocks 2022. */
export function packets2022(
  { psk, identityKeys = [], users = new Users2022([]) }: Keys2022,
  world: World2022,
): Packets {
  const made = serverWorld(world);
  return {
    client: () => new PacketClient2022(psk, identityKeys, made),
    server: () => new PacketServer2022(psk, users, made),
  };
}

/** Returns the dependencies of a server; only randomness is required. */
export function serverWorld(
  world: Partial<World2022> & Pick<World2022, "randomBytes">,
): ServerWorld {
  return {
    aeadProvider: nobleProvider,
    keyStreamProvider: referenceKeyStreams,
    replayFilter: FORGETFUL,
    clock: { monotonicMs: () => 0, unixMs: () => 0, schedule: () => () => {} },
    ...world,
  };
}
