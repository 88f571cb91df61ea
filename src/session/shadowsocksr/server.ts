/**
 * The server's session of a ShadowsocksR stream.
 *
 * @module
 */
import { concat, NOTHING } from "../../bytes.ts";
import { decodeAddress } from "../../codec/address.ts";
import { type Layer, LayeredServer } from "../layer.ts";
import type { AcceptStep, ServerSession } from "../stream_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import { CipherLayer, PlainSession } from "./cipher_layer.ts";
import { CompatibleLayer } from "./compatible.ts";
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
import type { SsrUsers } from "./users.ts";
import {
  acceptOnce,
  type Ivs,
  Questions,
  type SsrServerWorld,
} from "./world.ts";

/** The configuration of a server. */
export interface SsrServerPort {
  /** Method and key of the port. */
  readonly key: SsrKey;
  readonly protocol: ServerLayerName<SsrProtocolName>;
  readonly obfs: ServerLayerName<SsrObfsName>;
  /**
   * The parameter of the obfs: allowed names for `http_*`, seconds for
   * `tls1.2_*`; may be empty.
   */
  readonly obfsParam: string;
  /** The users, which may change. */
  readonly users: SsrUsers;
}

/** Makes a session for a new stream of a client. */
export function ssrServer(
  port: SsrServerPort,
  world: SsrServerWorld,
): ServerSession {
  const { key, obfs, protocol } = port;
  const cipher = new CipherLayer(key, world.randomBytes, (iv) => {
    // Bytes that are sent must not be served when they come back.
    world.memory.rememberStream(iv);
  });
  const questions = new Questions();
  const core = new Core(cipher, world, questions);
  const auth = authOf(port, cipher, world);
  return new LayeredServer(core, [
    ...serverLayer(
      auth && new AuthServerLayer(auth, world, (header) => core.admit(header)),
      protocol.isCompatible,
    ),
    cipher,
    ...serverLayer(obfsOf(port, world, questions), obfs.isCompatible),
  ]);
}

/** The session inside the layers: the address, then payload unchanged. */
class Core extends PlainSession implements ServerSession {
  readonly #world: SsrServerWorld;
  readonly #questions: Questions;
  /** The header, once it was accepted. */
  #header: AuthHeader | undefined;
  /** The address may arrive in parts; it has at most 259 bytes. */
  #plaintext: Uint8Array = NOTHING;

  constructor(
    cipher: CipherLayer,
    world: SsrServerWorld,
    questions: Questions,
  ) {
    super(cipher);
    this.#world = world;
    this.#questions = questions;
  }

  /**
   * Accepts a valid header. Connection ids are known only to this thread. All
   * threads and servers must refuse what another one has served, so the IV is
   * recorded as well, or the ids if there is none.
   */
  admit(header: AuthHeader): Promise<boolean> | undefined {
    const { user, client, connection } = header.id;
    const iv = this.cipher.received;
    const ids = `${client} ${connection} ${user ?? ""}`;
    const question = iv.length > 0
      ? this.#world.memory.acceptStream(iv)
      : acceptOnce(this.#world, new TextEncoder().encode(ids));
    this.#header = header;
    this.#questions.add(question);
    return question;
  }

  accept(bytes: Uint8Array): AcceptStep {
    this.#plaintext = concat(this.#plaintext, bytes);
    const decoded = decodeAddress(this.#plaintext);
    if (decoded === undefined) return {};
    const { address, length } = decoded;
    checkTargetPort(address, "request");
    if (this.#header === undefined) {
      const { memory } = this.#world;
      this.#questions.add(memory.acceptStream(this.cipher.received));
    }
    const payload = this.#plaintext.subarray(length);
    this.#plaintext = NOTHING;
    const user = this.#header?.id.user;
    const question = this.#questions.all;
    return {
      request: { address, payload, ...(user !== undefined && { user }) },
      ...(question && { question }),
    };
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
  { key, protocol: { name }, users }: SsrServerPort,
  ivs: Ivs,
  world: SsrServerWorld,
): AuthServer | undefined {
  const keys = { key: key.bytes(), ivs };
  switch (name) {
    case "origin":
      return undefined;
    case "auth_sha1_v4":
      return authSha1V4Server(keys, world);
    case "auth_aes128_md5":
    case "auth_aes128_sha1":
      return authAes128Server({ ...keys, name }, users, world);
    default:
      return authChainServer({ ...keys, name }, users, world);
  }
}

function obfsOf(
  { key, obfs: { name }, obfsParam }: SsrServerPort,
  world: SsrServerWorld,
  questions: Questions,
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
      return new TlsObfsServer(
        { key: key.bytes(), param: obfsParam },
        world,
        questions,
      );
  }
}
