/**
 * The family of AEAD ciphers with a password. Users are found by trying their
 * keys.
 *
 * Source: SIP004, SIP007.
 *
 * @module
 */
import { MasterKey } from "../../crypto/aead.ts";
import { AEAD_2017 } from "../../crypto/family.ts";
import { readMasterKey } from "../../crypto/master_key.ts";
import { asAead } from "../../crypto/method.ts";
import type {
  ClientKeys,
  ClientProtocol,
  ServerKeys,
  ServerProtocol,
  ServerWorld,
  SessionFamily,
  SessionWorld,
} from "../family.ts";
import {
  checkDistinct,
  RememberedUsers,
  type ServerUser,
  withReplaced,
} from "../server_user.ts";
import { prefixedSalts } from "./salt_prefix.ts";
import { PacketClient2017, PacketServer2017 } from "./packet.ts";
import { Client2017, Server2017 } from "./stream.ts";
import { TrialServer2017, type User2017, Users2017 } from "./users.ts";

/** The family. */
export const shadowsocks2017: SessionFamily = {
  family: AEAD_2017,
  readKeys: (text, method, kind) => [readMasterKey(text, method, kind)],
  client,
  server,
};

function client(
  { method, masterKey, saltPrefix, packetSaltPrefix }: ClientKeys,
  { aeadProvider, randomBytes }: SessionWorld,
): ClientProtocol {
  const key = new MasterKey(asAead(method), masterKey, aeadProvider);
  const salts = prefixedSalts(randomBytes, saltPrefix);
  const packetSalts = prefixedSalts(randomBytes, packetSaltPrefix);
  return {
    stream: () => new Client2017(key, salts),
    packets: () => new PacketClient2017(key, packetSalts),
  };
}

function server(
  { method, masterKey }: ServerKeys,
  world: ServerWorld,
): ServerProtocol {
  const bind = (key: Uint8Array): MasterKey =>
    new MasterKey(asAead(method), key, world.aeadProvider);
  const own = masterKey && bind(masterKey);
  const table = new Users2017(asAead(method));
  const known = new RememberedUsers(({ name, masterKey }): User2017 => ({
    name,
    masterKey: bind(masterKey),
  }));
  let served: readonly ServerUser[] = [];
  const setUsers = (users: readonly ServerUser[]): void => {
    checkDistinct(users);
    const named = known.all(users);
    table.set(own === undefined ? named : [...named, { masterKey: own }]);
    served = users;
  };
  return {
    stream: (clientHost) =>
      served.length === 0 && own
        ? new Server2017(own, world)
        : new TrialServer2017(table, clientHost, world),
    packets: new PacketServer2017(table, world.randomBytes),
    setUsers,
    replaceUser: (old, next) => setUsers(withReplaced(served, old, next)),
  };
}
