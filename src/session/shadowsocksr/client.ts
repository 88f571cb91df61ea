/**
 * The client's end of a ShadowsocksR stream.
 *
 * ```text
 * address | payload ─▶ protocol ─▶ stream cipher ─▶ obfs ─▶ server
 * ```
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { type Address, encodeAddress } from "../../codec/address.ts";
import { CipherLayer } from "./cipher_layer.ts";
import type { SsrIdentity } from "./identity.ts";
import { Layers } from "./layers.ts";
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
import type { Layer, Step } from "./step.ts";
import type { SsrUser } from "./users.ts";
import type { Ivs, SsrWorld } from "./world.ts";

/** What a client knows of its server. */
export interface SsrServerKeys {
  /** Method and key of the port. */
  readonly key: SsrKey;
  readonly protocol: SsrProtocolName;
  readonly obfs: SsrObfsName;
  /** Whom the obfs pretends to speak with; may be empty. */
  readonly obfsParam: string;
  /** Name or address of the server. */
  readonly host: string;
  /** Its port. */
  readonly port: number;
  /** Who we are; not set: whoever has the key. */
  readonly user?: Pick<SsrUser, "uid" | "password"> | undefined;
  /** What we call ourselves, in all connections. */
  readonly identity: SsrIdentity;
}

/** One connection to a server. */
export class SsrClient {
  readonly #cipher: CipherLayer;
  readonly #layers: Layers;

  /** Has sent nothing. */
  constructor(keys: SsrServerKeys, world: SsrWorld) {
    this.#cipher = new CipherLayer(keys.key, world.randomBytes);
    const protocol = protocolOf(keys, this.#cipher, world);
    const obfs = obfsOf(keys, world);
    this.#layers = new Layers([
      ...(obfs ? [obfs] : []),
      this.#cipher,
      ...(protocol ? [new AuthClientLayer(protocol)] : []),
    ]);
  }

  /** The first bytes of the stream; what they lack follows as a reply. */
  request(address: Address, payload: Uint8Array): Uint8Array {
    return this.seal(concat(encodeAddress(address), payload));
  }

  /** Payload for the server; empty while a handshake holds it back. */
  seal(payload: Uint8Array): Uint8Array {
    return this.#layers.seal(payload);
  }

  /**
   * Takes bytes of the server, split anywhere.
   *
   * @throws {ProtocolError} Any `ERR_SS_…`, `ERR_SSR_…`.
   */
  open(bytes: Uint8Array): Step {
    return this.#layers.open(bytes);
  }

  /** @throws {ProtocolError} `ERR_SS_TRUNCATED` inside a unit. */
  end(): void {
    this.#layers.end();
  }

  /** Gives the keys back to their provider. Idempotent. */
  free(): void {
    this.#cipher.free();
  }
}

function protocolOf(
  { key: { key }, protocol: name, obfs, user, identity }: SsrServerKeys,
  ivs: Ivs,
  world: SsrWorld,
): AuthClient | undefined {
  switch (name) {
    case "origin":
      return undefined;
    case "auth_sha1_v4":
      return authSha1V4Client({ key, ivs }, identity, world);
    case "auth_aes128_md5":
    case "auth_aes128_sha1":
      return authAes128Client({ name, key, ivs }, { identity, user }, world);
    default: {
      const overhead = SSR_PROTOCOLS[name] + SSR_OBFS[obfs];
      const me = { identity, user, overhead };
      return authChainClient({ name, key, ivs }, me, world);
    }
  }
}

function obfsOf(
  { key, obfs: name, obfsParam: param, host, port, identity }: SsrServerKeys,
  world: SsrWorld,
): Layer | undefined {
  switch (name) {
    case "plain":
      return undefined;
    case "http_simple":
    case "http_post": {
      const { ivLength } = key.method;
      const disguise = { name, param, host, port, ivLength };
      return new HttpObfsClient(disguise, world.randomBytes);
    }
    case "random_head":
      return new RandomHeadClient(world.randomBytes);
    default: {
      const { sessionId } = identity;
      return new TlsObfsClient(
        { name, param, host, key: key.key, sessionId },
        world,
      );
    }
  }
}
