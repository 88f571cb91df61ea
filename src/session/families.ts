/**
 * The list of families, and the protocol of a method. A new family is one
 * folder, and one row here.
 *
 * @module
 */
import type { Method } from "../crypto/method.ts";
import type {
  ClientKeys,
  ClientProtocol,
  SecretKind,
  ServerKeys,
  ServerProtocol,
  ServerWorld,
  SessionFamily,
  SessionWorld,
} from "./family.ts";
import { lightsocks } from "./lightsocks/family.ts";
import { shadowsocks2017 } from "./shadowsocks2017/family.ts";
import { shadowsocks2022 } from "./shadowsocks2022/family.ts";
import { shadowsocksR } from "./shadowsocksr/family.ts";
import { streamCipher } from "./stream_cipher/family.ts";

const FAMILIES: readonly SessionFamily[] = [
  shadowsocks2017,
  shadowsocks2022,
  streamCipher,
  shadowsocksR,
  lightsocks,
];

/**
 * Reads the operator's key for a method.
 *
 * @param kind A password, or a raw key in base64.
 * @returns Identity keys first, the session's own key last.
 * @throws {ConfigError} `ERR_SS_KEY_LENGTH`; the message never contains a key.
 */
export function readKeys(
  text: string,
  method: Method,
  kind: SecretKind = "password",
): Uint8Array[] {
  return familyOf(method).readKeys(text, method, kind);
}

/** Returns the protocol of `ss-local`. */
export function clientProtocol(
  keys: ClientKeys,
  world: SessionWorld,
): ClientProtocol {
  return familyOf(keys.method).client(keys, world);
}

/**
 * Returns the protocol of `ss-server`, with its users.
 *
 * @throws {RangeError} If a key is missing, and as `setUsers()`.
 */
export function serverProtocol(
  keys: ServerKeys,
  world: ServerWorld,
): ServerProtocol {
  const protocol = familyOf(keys.method).server(keys, world);
  protocol.setUsers(keys.users ?? []);
  return protocol;
}

function familyOf({ name, family }: Method): SessionFamily {
  const found = FAMILIES.find((one) => one.family.name === family.name);
  if (found === undefined) throw new TypeError(`No family serves ${name}`);
  return found;
}
