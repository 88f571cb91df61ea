/**
 * Every kind of stranger that a server may meet: without a key, with a
 * recording of other clients, with a changed recording, and with a key but
 * invalid messages.
 *
 * @module
 */
import { concat } from "../../src/bytes.ts";
import type { Clock } from "../../src/clock.ts";
import { type Address, encodeAddress } from "../../src/codec/address.ts";
import { ChunkSealer } from "../../src/codec/chunk_sealer.ts";
import {
  encodeRequestBody,
  encodeRequestHeader,
  encodeResponseHeader,
  REQUEST_HEADER_LENGTH,
} from "../../src/codec/stream_header_2022.ts";
import { BLOCK_LENGTH } from "../../src/crypto/block_cipher.ts";
import { MasterKey } from "../../src/crypto/aead.ts";
import { type AeadMethod, asAead } from "../../src/crypto/method.ts";
import { referenceKeyStreams } from "../../src/crypto/key_streams/reference.ts";
import { nobleProvider } from "../../src/crypto/noble.ts";
import { TAG_LENGTH } from "../../src/limits.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { clientProtocol } from "../../src/session/families.ts";
import type { ClientKeys, ServerKeys } from "../../src/session/family.ts";
import { flipBit, seededBytes, utf8 } from "./bytes.ts";
import { testPsk } from "./keys.ts";

/** A kind of failure. */
export interface Kind {
  /** The name in failure messages. */
  readonly name: string;
  /** Returns bytes to send, different in each call. */
  bytes(random: () => number): Uint8Array;
}

/**
 * The byte of the key of a valid user; the byte before it is that of the
 * server's key.
 */
const USER = 1;
const IDENTITY = 9;

const NOTHING = new Uint8Array(0);

/** The keys of a server, and clients without a valid key or message. */
export class Strangers {
  /** The keys for the server. */
  readonly serverKeys: ServerKeys;
  readonly #method: AeadMethod;
  readonly #clientKeys: ClientKeys;
  readonly #clock: Clock;

  /**
   * @param clock The clock of the server.
   * @param withUsers True for identity headers with a 2022 method.
   */
  constructor(method: AeadMethod, clock: Clock, withUsers = false) {
    this.#method = method;
    this.#clock = clock;
    const masterKey = this.#key(USER);
    const identity = this.#key(IDENTITY);
    this.#clientKeys = {
      method,
      masterKey,
      ...withUsers && { identityKeys: [identity] },
    };
    this.serverKeys = withUsers
      ? { method, masterKey: identity, users: [{ name: "alice", masterKey }] }
      : { method, masterKey };
  }

  /** Returns a valid request. */
  request(target: Address, payload: Uint8Array): Uint8Array {
    return this.#requestUnder(this.#clientKeys, target, payload);
  }

  /**
   * Returns all kinds.
   *
   * @param target The target of authentic requests.
   * @param recorded A request that was served.
   */
  kinds(target: Address, recorded: Uint8Array): Kind[] {
    const payload = utf8("GET / HTTP/1.1\r\n\r\n");
    const fresh = (): Uint8Array => this.request(target, payload);
    const { saltLength } = this.#method;
    const head = this.#headLength;
    return [
      { name: "silence", bytes: () => NOTHING },
      { name: "few random bytes", bytes: (next) => noise(next, 1, 100) },
      { name: "random bytes", bytes: (next) => noise(next, 100, 2_000) },
      {
        name: "many random bytes",
        bytes: (next) => noise(next, 9_000, 40_000),
      },
      {
        name: "a salt, then garbage",
        bytes: (next) =>
          concat(fresh().subarray(0, saltLength), noise(next, 50, 500)),
      },
      ...parts("a request", fresh, saltLength, head),
      { name: "replayed", bytes: () => recorded },
      {
        name: "replayed with more behind",
        bytes: (next) => concat(recorded, noise(next, 1, 100)),
      },
      ...parts("replayed", () => recorded, saltLength, head),
      { name: "another key", bytes: () => this.#underKey(5, target, payload) },
      ...this.#senseless(target).map(([name, bytes]) => ({ name, bytes })),
    ];
  }

  /** Returns authentic, but invalid messages. */
  #senseless(target: Address): [string, () => Uint8Array][] {
    const badType = Uint8Array.of(9, 9, 9, 9, 9, 9, 9);
    if (this.#method.family.keyKind === "password") {
      return [
        ["address of no type", () => this.#seal(badType)],
        ["port 0", () => this.#seal(encodeAddress({ ...target, port: 0 }))],
      ];
    }
    const body = encodeRequestBody(target, 0, utf8("hello"));
    const now = Math.floor(this.#clock.unixMs() / 1_000);
    const header = (of: Uint8Array, skew = 0): Uint8Array =>
      encodeRequestHeader({ unixSeconds: now + skew, length: of.length });
    const response = encodeResponseHeader({
      unixSeconds: now,
      requestSalt: new Uint8Array(this.#method.saltLength),
      length: 5,
    });
    return [
      ["address of no type", () => this.#seal(header(badType), badType)],
      ["no padding, no payload", () => {
        const empty = encodeRequestBody(target, 0, NOTHING);
        return this.#seal(header(empty), empty);
      }],
      // Far enough off to be invalid also when it arrives.
      ["stamp too old", () => this.#seal(header(body, -40), body)],
      ["stamp too young", () => this.#seal(header(body, 120), body)],
      ["a response", () => this.#seal(response, utf8("hello"))],
    ];
  }

  /** Returns units sealed with the right keys, whatever their content. */
  #seal(...units: Uint8Array[]): Uint8Array {
    const { method, masterKey, identityKeys } = this.#clientKeys;
    if (method.family.keyKind === "password") {
      const key = new MasterKey(asAead(method), masterKey, nobleProvider);
      return new ChunkSealer(key, systemRandomBytes).seal(concat(...units));
    }
    const psk = testPsk(method.name, USER);
    const sealer = new ChunkSealer(psk, systemRandomBytes);
    const header = identityKeys === undefined
      ? NOTHING
      : testPsk(method.name, IDENTITY).identityCipher(sealer.salt)
        .encrypt(psk.identityHash);
    return sealer.start(header, units);
  }

  #underKey(seed: number, target: Address, payload: Uint8Array): Uint8Array {
    const keys = { ...this.#clientKeys, masterKey: this.#key(seed) };
    return this.#requestUnder(keys, target, payload);
  }

  #requestUnder(
    keys: ClientKeys,
    target: Address,
    payload: Uint8Array,
  ): Uint8Array {
    return clientProtocol(keys, {
      aeadProvider: nobleProvider,
      keyStreamProvider: referenceKeyStreams,
      clock: this.#clock,
      randomBytes: systemRandomBytes,
    }).stream().request(target, payload);
  }

  /** Number of bytes to the end of the first authenticated part. */
  get #headLength(): number {
    const { family, saltLength } = this.#method;
    if (family.keyKind === "password") return saltLength + 2 + TAG_LENGTH;
    return saltLength + REQUEST_HEADER_LENGTH + TAG_LENGTH +
      (this.#clientKeys.identityKeys === undefined ? 0 : BLOCK_LENGTH);
  }

  #key(seed: number): Uint8Array {
    return new Uint8Array(this.#method.keyLength).fill(seed);
  }
}

/**
 * Returns a message that is cut, and one with a flipped bit, in each of its
 * parts.
 */
function parts(
  name: string,
  message: () => Uint8Array,
  saltLength: number,
  headLength: number,
): Kind[] {
  // Ends of the parts; negative from the end of the message, which has padding.
  const places = {
    salt: [1, saltLength],
    head: [saltLength, headLength],
    body: [headLength, -TAG_LENGTH],
    tag: [-TAG_LENGTH, 0],
  } as const;
  return Object.entries(places).flatMap(([part, [from, to]]) => {
    const pick = (next: () => number): { bytes: Uint8Array; at: number } => {
      const bytes = message();
      const start = from < 0 ? bytes.length + from : from;
      const end = to <= 0 ? bytes.length + to : to;
      return { bytes, at: start + next() % (end - start) };
    };
    return [{
      name: `${name} cut in its ${part}`,
      bytes: (next: () => number) => {
        const { bytes, at } = pick(next);
        return bytes.subarray(0, at);
      },
    }, {
      name: `${name} with a bit flipped in its ${part}`,
      bytes: (next: () => number) => {
        const { bytes, at } = pick(next);
        return flipBit(bytes, at * 8 + next() % 8);
      },
    }];
  });
}

function noise(next: () => number, from: number, to: number): Uint8Array {
  return seededBytes(from + next() % (to - from), next());
}
