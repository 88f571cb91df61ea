/**
 * The client's session of a ShadowsocksR stream.
 *
 * ```text
 * address | payload ─▶ protocol ─▶ stream cipher ─▶ obfs ─▶ server
 * ```
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { type Address, encodeAddress } from "../../codec/address.ts";
import { type Layer, LayeredClient } from "../layer.ts";
import type { ClientSession } from "../stream_protocol.ts";
import { CipherLayer, PlainSession } from "./cipher_layer.ts";
import type { SsrIdentity } from "./identity.ts";
import {
  SSR_OBFS,
  SSR_PROTOCOLS,
  type SsrObfsName,
  type SsrProtocolName,
} from "./names.ts";
import { HttpObfsClient } from "./obfs/http_client.ts";
import { RandomHeadClient } from "./obfs/random_head.ts";
import { TlsObfsClient } from "./obfs/tls_client.ts";
import { authAes128Client } from "./protocol/auth_aes128.ts";
import { authChainClient } from "./protocol/auth_chain.ts";
import { AuthClientLayer } from "./protocol/auth_client.ts";
import type { AuthClient } from "./protocol/auth_protocol.ts";
import { authSha1V4Client } from "./protocol/auth_sha1_v4.ts";
import type { SsrKey } from "./ssr_key.ts";
import type { SsrUser } from "./users.ts";
import type { Ivs, SsrWorld } from "./world.ts";

/** What a client knows of its server. */
export interface SsrClientPort {
  /** Method and key of the port. */
  readonly key: SsrKey;
  readonly protocol: SsrProtocolName;
  readonly obfs: SsrObfsName;
  /** The host for the obfs; may be empty. */
  readonly obfsParam: string;
  /** Name or address of the server. */
  readonly host: string;
  /** The port of the server. */
  readonly port: number;
  /** The client's user; not set for holders of the port's key. */
  readonly user?: Pick<SsrUser, "uid" | "password"> | undefined;
  /** The identity of this client in all connections. */
  readonly identity: SsrIdentity;
}

/** Makes a session for a new stream to a server. */
export function ssrClient(port: SsrClientPort, world: SsrWorld): ClientSession {
  const cipher = new CipherLayer(port.key, world.randomBytes);
  const protocol = protocolOf(port, cipher, world);
  const obfs = obfsOf(port, world);
  return new LayeredClient(new Core(cipher), [
    ...(protocol ? [new AuthClientLayer(protocol)] : []),
    cipher,
    ...(obfs ? [obfs] : []),
  ]);
}

/** The session inside the layers: the address, then payload unchanged. */
class Core extends PlainSession implements ClientSession {
  request(address: Address, payload: Uint8Array): Uint8Array {
    return concat(encodeAddress(address), payload);
  }
}

function protocolOf(
  { key, protocol: name, obfs, user, identity }: SsrClientPort,
  ivs: Ivs,
  world: SsrWorld,
): AuthClient | undefined {
  const keys = { key: key.bytes(), ivs };
  switch (name) {
    case "origin":
      return undefined;
    case "auth_sha1_v4":
      return authSha1V4Client(keys, identity, world);
    case "auth_aes128_md5":
    case "auth_aes128_sha1":
      return authAes128Client({ ...keys, name }, { identity, user }, world);
    default: {
      const overhead = SSR_PROTOCOLS[name] + SSR_OBFS[obfs];
      const me = { identity, user, overhead };
      return authChainClient({ ...keys, name }, me, world);
    }
  }
}

function obfsOf(
  { key, obfs: name, obfsParam: param, host, port, identity }: SsrClientPort,
  world: SsrWorld,
): Layer | undefined {
  switch (name) {
    case "plain":
      return undefined;
    case "http_simple":
    case "http_post": {
      const { ivLength } = key.stream.method;
      const disguise = { name, param, host, port, ivLength };
      return new HttpObfsClient(disguise, world.randomBytes);
    }
    case "random_head":
      return new RandomHeadClient(world.randomBytes);
    default: {
      const { sessionId } = identity;
      return new TlsObfsClient(
        { name, param, host, key: key.bytes(), sessionId },
        world,
      );
    }
  }
}
