/**
 * The server's end of a ShadowsocksR stream.
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { decodeAddress } from "../../codec/address.ts";
import type { StreamRequest } from "../stream_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import { CipherLayer } from "./cipher_layer.ts";
import { CompatibleLayer } from "./compatible.ts";
import { Layers } from "./layers.ts";
import type { ServerLayerName, SsrObfsName, SsrProtocolName } from "./names.ts";
import { HttpObfsServer } from "./obfs/http_server.ts";
import { RandomHeadServer } from "./obfs/random_head.ts";
import { TlsObfsServer } from "./obfs/tls_server.ts";
import { authAes128Server } from "./protocol/auth_aes128.ts";
import { authChainServer } from "./protocol/auth_chain.ts";
import type { AuthHeader, AuthServer } from "./protocol/auth_protocol.ts";
import { AuthServerLayer } from "./protocol/auth_server.ts";
import { authSha1V4Server } from "./protocol/auth_sha1_v4.ts";
import type { SsrKey } from "./ssr_key.ts";
import { type Layer, NOTHING, type Step } from "./step.ts";
import type { SsrUsers } from "./users.ts";
import { checkUnique, type Ivs, type SsrServerWorld } from "./world.ts";

/** What a server is configured with. */
export interface SsrPort {
  /** Method and key of the port. */
  readonly key: SsrKey;
  readonly protocol: ServerLayerName<SsrProtocolName>;
  readonly obfs: ServerLayerName<SsrObfsName>;
  /** Of `http_*`: names to accept; of `tls1.2_*`: seconds; may be empty. */
  readonly obfsParam: string;
  /** Who may connect; they may change. */
  readonly users: SsrUsers;
}

/** What became of bytes before the request. */
export interface SsrStep {
  /** The request, once it is there. */
  readonly request?: StreamRequest;
  /** For the client, at once and in one write. */
  readonly reply?: Uint8Array;
}

/** One connection of a client. */
export class SsrServer {
  readonly #world: SsrServerWorld;
  readonly #cipher: CipherLayer;
  readonly #layers: Layers;
  /** Of whom the header is, once it is there. */
  #header: AuthHeader | undefined;
  /** The address may be split; it has 259 bytes at most. */
  #plaintext: Uint8Array = NOTHING;

  /** Waits for a request. */
  constructor(port: SsrPort, world: SsrServerWorld) {
    this.#world = world;
    const { key, obfs, protocol } = port;
    this.#cipher = new CipherLayer(key, world.randomBytes, (iv) => {
      // What we send must not be served when it is sent back to us.
      if (iv.length > 0) checkUnique(world.filter, iv);
    });
    const auth = authOf(port, this.#cipher, world);
    const protocolLayer = auth && new AuthServerLayer(auth, world, (header) => {
      this.#accept(header);
    });
    this.#layers = new Layers([
      ...serverLayer(obfsOf(port, world), obfs.isCompatible),
      this.#cipher,
      ...serverLayer(protocolLayer, protocol.isCompatible),
    ]);
  }

  /**
   * Takes the beginning of the stream, split anywhere, until the request is
   * there; `open()` goes on where it ended.
   *
   * @throws {ProtocolError} Any `ERR_SS_…`, `ERR_SSR_…`: the peer does not know
   * the key, does not speak the layers, or plays back a recording.
   * @throws {PolicyError} `ERR_POLICY_LIMIT`: too many clients to remember.
   */
  accept(bytes: Uint8Array): SsrStep {
    const { payload, reply } = this.#layers.open(bytes);
    this.#plaintext = concat(this.#plaintext, payload);
    const request = this.#request();
    return { ...(request && { request }), ...(reply && { reply }) };
  }

  /** Payload for the client. */
  seal(payload: Uint8Array): Uint8Array {
    return this.#layers.seal(payload);
  }

  /** Payload of the client, once its request was accepted. */
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

  #request(): StreamRequest | undefined {
    const decoded = decodeAddress(this.#plaintext);
    if (decoded === undefined) return undefined;
    const { address, length } = decoded;
    checkTargetPort(address, "request");
    const { received } = this.#cipher;
    if (this.#header === undefined && received.length > 0) {
      checkUnique(this.#world.filter, received);
    }
    const payload = this.#plaintext.subarray(length);
    this.#plaintext = NOTHING;
    const user = this.#header?.id.user;
    return { address, payload, ...(user !== undefined && { user }) };
  }

  /**
   * Every thread must refuse what one has served, so the IV is remembered
   * besides the ids; without one, the ids are.
   */
  #accept(header: AuthHeader): void {
    const { user, client, connection } = header.id;
    const { received } = this.#cipher;
    const unique = received.length > 0
      ? received
      : new TextEncoder().encode(`${client} ${connection} ${user ?? ""}`);
    checkUnique(this.#world.filter, unique);
    this.#header = header;
  }
}

function serverLayer(
  layer: Layer | undefined,
  isCompatible: boolean,
): Layer[] {
  if (layer === undefined) return [];
  return [isCompatible ? new CompatibleLayer(layer) : layer];
}

function authOf(
  { key: { key }, protocol: { name }, users }: SsrPort,
  ivs: Ivs,
  world: SsrServerWorld,
): AuthServer | undefined {
  switch (name) {
    case "origin":
      return undefined;
    case "auth_sha1_v4":
      return authSha1V4Server({ key, ivs }, world);
    case "auth_aes128_md5":
    case "auth_aes128_sha1":
      return authAes128Server({ name, key, ivs }, users, world);
    default:
      return authChainServer({ name, key, ivs }, users, world);
  }
}

function obfsOf(
  { key, obfs: { name }, obfsParam }: SsrPort,
  world: SsrServerWorld,
): Layer | undefined {
  switch (name) {
    case "plain":
      return undefined;
    case "http_simple":
    case "http_post":
      return new HttpObfsServer(obfsParam, world.clock);
    case "random_head":
      return new RandomHeadServer(world.randomBytes);
    default:
      return new TlsObfsServer(key.key, obfsParam, world);
  }
}
