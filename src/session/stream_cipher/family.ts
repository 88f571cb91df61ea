/**
 * The family of stream ciphers with a password, and of no cipher: one key for
 * each port, without users.
 *
 * @module
 */
import { STREAM_CIPHER } from "../../crypto/family.ts";
import { readMasterKey } from "../../crypto/master_key.ts";
import { asStreamCipher } from "../../crypto/method.ts";
import { StreamKey } from "../../crypto/stream_key.ts";
import {
  type ClientKeys,
  type ClientProtocol,
  neededKey,
  type ServerKeys,
  type ServerProtocol,
  type ServerWorld,
  type SessionFamily,
  type SessionWorld,
  withoutUsers,
} from "../family.ts";
import { IvMemory } from "./iv_memory.ts";
import { CipherPacketClient, CipherPacketServer } from "./packet.ts";
import { CipherClient, CipherServer } from "./stream.ts";

/** The family. */
export const streamCipher: SessionFamily = {
  family: STREAM_CIPHER,
  readKeys: (text, method, kind) => [readMasterKey(text, method, kind)],
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
  keys: ServerKeys,
  { keyStreamProvider, randomBytes, replayFilter }: ServerWorld,
): ServerProtocol {
  const { method } = keys;
  const key = new StreamKey(
    asStreamCipher(method),
    neededKey(keys),
    keyStreamProvider,
  );
  const memory = new IvMemory(replayFilter);
  return {
    stream: () => new CipherServer(key, randomBytes, memory),
    packets: new CipherPacketServer(key, randomBytes, memory),
    ...withoutUsers(method.name),
  };
}
