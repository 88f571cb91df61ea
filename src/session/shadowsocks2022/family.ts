/**
 * The family of Shadowsocks 2022: keys of full length, time stamps, and users
 * that the AES methods identify in headers.
 *
 * Source: SIP022, SIP023.
 *
 * @module
 */
import { AEAD_2022 } from "../../crypto/family.ts";
import { asAead } from "../../crypto/method.ts";
import { Psk, pskChainFromText } from "../../crypto/psk.ts";
import { identityHash } from "../../crypto/subkey.ts";
import { MAX_BOUND_KEYS } from "../../limits.ts";
import { RecentlyUsed } from "../../recently_used.ts";
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
import { checkNames, type ServerUser } from "../server_user.ts";
import { Client2022 } from "./client.ts";
import { PacketClient2022 } from "./packet_client.ts";
import { PacketServer2022 } from "./packet_server.ts";
import { Server2022 } from "./server.ts";
import { type User2022, Users2022 } from "./users.ts";

/** The family. */
export const shadowsocks2022: SessionFamily = {
  family: AEAD_2022,
  readKeys: (text, method) => pskChainFromText(text, asAead(method)),
  client,
  server,
};

function client(
  { method, masterKey, identityKeys = [] }: ClientKeys,
  world: SessionWorld,
): ClientProtocol {
  const bind = (key: Uint8Array): Psk =>
    new Psk(asAead(method), key, world.aeadProvider);
  const psk = bind(masterKey);
  const chain = identityKeys.map(bind);
  return {
    stream: () => new Client2022(psk, chain, world),
    packets: () => new PacketClient2022(psk, chain, world),
  };
}

function server(
  keys: ServerKeys,
  world: ServerWorld,
): ServerProtocol {
  const { method } = keys;
  const bind = (key: Uint8Array): Psk =>
    new Psk(asAead(method), key, world.aeadProvider);
  const psk = bind(neededKey(keys));
  const bound = new RecentlyUsed(
    MAX_BOUND_KEYS,
    (user: ServerUser): User2022 => ({
      name: user.name,
      psk: bind(user.masterKey),
    }),
  );
  const table = new Users2022<ServerUser>([], {
    identity: (user) => identityHash(user.masterKey),
    open: (user) => bound.get(user),
  });
  const checkIdentity = (): void => {
    if (psk.hasIdentity) return;
    throw new RangeError(
      `Cannot serve users: ${method.name} does not support users`,
    );
  };
  return {
    stream: () =>
      new Server2022(psk, table.size > 0 ? table : undefined, world),
    packets: new PacketServer2022(psk, table, world),
    setUsers(users): void {
      if (users.length > 0) checkIdentity();
      // The table itself refuses two users with the same key.
      checkNames(users);
      table.set(users);
    },
    replaceUser(old, next): void {
      if (next !== undefined) checkIdentity();
      table.replace(old, next);
    },
  };
}
