/**
 * The family of ShadowsocksR: stream ciphers with a protocol inside and a
 * disguise outside. Users are identified by a number.
 *
 * @module
 */
import { SHADOWSOCKSR } from "../../crypto/family.ts";
import { readMasterKey } from "../../crypto/master_key.ts";
import { asStreamCipher } from "../../crypto/method.ts";
import { ConnectionMemory } from "../../security/connection_memory.ts";
import {
  type ClientKeys,
  type ClientProtocol,
  neededKey,
  type ServerKeys,
  type ServerProtocol,
  type ServerWorld,
  type SessionFamily,
  type SessionWorld,
} from "../family.ts";
import type { ServerUser } from "../server_user.ts";
import { IvMemory } from "../stream_cipher/iv_memory.ts";
import { ssrClient, type SsrClientPort } from "./client.ts";
import { SsrIdentity } from "./identity.ts";
import { findSsrObfs, findSsrProtocol } from "./names.ts";
import { SsrPacketClient, SsrPacketServer } from "./packets.ts";
import { ssrServer, type SsrServerPort } from "./server.ts";
import { SsrKey } from "./ssr_key.ts";
import { type SsrUser, SsrUsers } from "./users.ts";

/** The family. */
export const shadowsocksR: SessionFamily = {
  family: SHADOWSOCKSR,
  readKeys: (text, method, kind) => [readMasterKey(text, method, kind)],
  client,
  server,
};

function client(
  { method, masterKey, ssr }: ClientKeys,
  { keyStreamProvider, clock, randomBytes }: SessionWorld,
): ClientProtocol {
  const settings = required(ssr);
  const port: SsrClientPort = {
    key: new SsrKey(asStreamCipher(method), masterKey, keyStreamProvider),
    protocol: findSsrProtocol(settings.protocol).name,
    obfs: findSsrObfs(settings.obfs).name,
    obfsParam: settings.obfsParam ?? "",
    ...settings.server,
    user: settings.user,
    identity: new SsrIdentity(randomBytes),
  };
  return {
    stream: () => ssrClient(port, { clock, randomBytes }),
    packets: () => new SsrPacketClient(port, randomBytes),
  };
}

function server(
  keys: ServerKeys,
  { keyStreamProvider, clock, randomBytes, replayFilter }: ServerWorld,
): ServerProtocol {
  const { method, ssr } = keys;
  const settings = required(ssr);
  const users = new SsrUsers();
  const port: SsrServerPort = {
    key: new SsrKey(asStreamCipher(method), neededKey(keys), keyStreamProvider),
    protocol: findSsrProtocol(settings.protocol),
    obfs: findSsrObfs(settings.obfs),
    obfsParam: settings.obfsParam ?? "",
    users,
  };
  const { maxSkewSeconds } = settings;
  const world = {
    clock,
    randomBytes,
    memory: new IvMemory(replayFilter),
    connections: new ConnectionMemory(
      clock,
      maxSkewSeconds === undefined ? {} : { maxSkewSeconds },
    ),
  };
  return {
    stream: (clientHost = () => "") =>
      ssrServer(port, { ...world, clientHost }),
    packets: new SsrPacketServer(port, randomBytes, world.memory),
    setUsers(all): void {
      if (all.length > 0) checkUsers(port.protocol.name);
      users.set(all.map(ssrUser));
    },
    replaceUser(old, next): void {
      if (next !== undefined) checkUsers(port.protocol.name);
      users.replace(old?.uid, next && ssrUser(next));
    },
  };
}

/** @throws {RangeError} If the protocol does not support users. */
function checkUsers(protocol: string): void {
  if (/^auth_(?:aes128|chain)_/.test(protocol)) return;
  throw new RangeError(
    `Cannot serve users: ${protocol} does not support users`,
  );
}

function ssrUser({ name, masterKey, uid }: ServerUser): SsrUser {
  if (uid !== undefined) return { name, uid, password: masterKey };
  throw new RangeError(`Cannot serve user ${name}: it has no uid`);
}

function required<T>(settings: T | undefined): T {
  if (settings !== undefined) return settings;
  throw new RangeError(
    "Cannot start ShadowsocksR: it has no protocol and obfs",
  );
}
