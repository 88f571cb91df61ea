/**
 * The family of stream ciphers with a password, and of no cipher: one key for
 * each port, without users.
 *
 * @module
 */
import { STREAM_CIPHER } from "../../crypto/family.ts";
import {
  masterKeyFromBase64,
  masterKeyFromPassword,
} from "../../crypto/master_key.ts";
import { asStreamCipher, type Method } from "../../crypto/method.ts";
import { StreamKey } from "../../crypto/stream_key.ts";
import type {
  ClientKeys,
  ClientProtocol,
  ServerKeys,
  ServerProtocol,
  ServerWorld,
  SessionFamily,
  SessionWorld,
} from "../family.ts";
import { IvMemory } from "./iv_memory.ts";
import { CipherPacketClient, CipherPacketServer } from "./packet.ts";
import { CipherClient, CipherServer } from "./stream.ts";

/** The family. */
export const streamCipher: SessionFamily = {
  family: STREAM_CIPHER,
  readKeys: (text, method, kind) => [
    kind === "key"
      ? masterKeyFromBase64(text, method)
      : masterKeyFromPassword(text, method),
  ],
  client,
  server,
};

function client(
  { method, masterKey }: ClientKeys,
  { keyStreamProvider, randomBytes }: SessionWorld,
): ClientProtocol {
  const key = new StreamKey(
    asStreamCipher(method),
    masterKey,
    keyStreamProvider,
  );
  return {
    stream: () => new CipherClient(key, randomBytes),
    packets: () => new CipherPacketClient(key, randomBytes),
  };
}

function server(
  { method, masterKey }: ServerKeys,
  { keyStreamProvider, randomBytes, replayFilter }: ServerWorld,
): ServerProtocol {
  if (masterKey === undefined) {
    throw new RangeError("Cannot start server: it has no key");
  }
  const key = new StreamKey(
    asStreamCipher(method),
    masterKey,
    keyStreamProvider,
  );
  const memory = new IvMemory(replayFilter);
  return {
    stream: () => new CipherServer(key, randomBytes, memory),
    packets: new CipherPacketServer(key, randomBytes, memory),
    setUsers(users): void {
      if (users.length > 0) throw noUsers(method);
    },
    replaceUser(_old, next): void {
      if (next !== undefined) throw noUsers(method);
    },
  };
}

function noUsers({ name }: Method): RangeError {
  return new RangeError(
    `Cannot serve users: ${name} does not support users`,
  );
}
