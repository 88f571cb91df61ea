/**
 * `auth_chain_a` to `auth_chain_e`: the padding and the keys of each packet
 * depend on the packets before.
 *
 * ```text
 * header  random 4 | mac 8 of it | uid 4, masked | block 16 | mac 4 of both
 * packet  length 2, masked | random and data, mixed | mac 2 of all before it
 * ```
 *
 * Everything is little endian. The data is encrypted with RC4, with one stream
 * for each direction. The mac of the previous packet determines the position of
 * the data among the random bytes, their number, and the mask of the length.
 * The first data of a server starts with the size of its segments.
 *
 * Security: the mac of a packet has 2 bytes, so one forgery in 65,536 is
 * accepted. Both directions use the same RC4 key.
 *
 * @module
 */
import { concat, equalBytes, NOTHING, toLatin1, xor } from "../../../bytes.ts";
import { encodeBase64 } from "../../../codec/base64.ts";
import { MD5 } from "../../../crypto/legacy_digest.ts";
import { Rc4 } from "../../../crypto/key_streams/rc4.ts";
import {
  MAX_SSR_CHAIN_BODY,
  MAX_SSR_OVERHEAD,
  SSR_CHAIN_UNIT,
  SSR_SEGMENT,
} from "../../../limits.ts";
import type { RandomBytes } from "../../../random.ts";
import type { SsrIdentity } from "../identity.ts";
import { stampOf } from "../stamp.ts";
import type { SsrUser, SsrUsers } from "../users.ts";
import type { Ivs, SsrWorld } from "../world.ts";
import {
  type AuthClient,
  type AuthHeader,
  type AuthServer,
  impossibleLength,
  notAuthentic,
  type PacketReader,
  type PacketWriter,
  readU16le,
  readU32le,
  type TakenPacket,
  u16le,
  u32le,
} from "./auth_protocol.ts";
import {
  type AuthChainName,
  type ChainPadding,
  chainPadding,
  mostPadding,
} from "./chain_padding.ts";
import { ChainRandom } from "./chain_random.ts";
import { openIdentity, sealIdentity } from "./identity_block.ts";

const RANDOM = 4;
const FIRST_MAC = 8;
const UID_AT: number = RANDOM + FIRST_MAC;
const BLOCK_AT: number = UID_AT + 4;
const SECOND_MAC_AT: number = BLOCK_AT + 16;
const HEADER_LENGTH: number = SECOND_MAC_AT + 4;

/** Bytes of a packet without random bytes and data. */
const PACKET_FRAME = 2 + 2;

/**
 * Bytes of the segment size before a server's first data; a client drops them.
 */
const SEGMENT_SIZE = 2;

/** The keys of a connection. */
interface Keys {
  readonly name: AuthChainName;
  /** The key of the method. */
  readonly key: Uint8Array;
  readonly ivs: Ivs;
}

/**
 * Makes the client's side.
 *
 * @param me `user`: the client's user, not set for holders of the port's key;
 * `overhead`: bytes that protocol and obfs add to a packet.
 */
export function authChainClient(
  { name, key, ivs }: Keys,
  { identity, user, overhead }: {
    readonly identity: SsrIdentity;
    readonly user?: Pick<SsrUser, "uid" | "password"> | undefined;
    readonly overhead: number;
  },
  { clock, randomBytes }: SsrWorld,
): AuthClient {
  const userKey = user?.password ?? key;
  const random = randomBytes(RANDOM);
  const clientHash = MD5.hmac(concat(ivs.sent, key), random);
  const uid = user === undefined ? randomBytes(4) : u32le(user.uid);
  const { client, connection } = identity.next();
  const who = concat(
    xor(uid, clientHash.subarray(8, 12)),
    sealIdentity(
      { stamp: stampOf(clock), client, connection, numbers: [overhead, 0] },
      userKey,
      name,
    ),
  );
  const serverHash = MD5.hmac(userKey, who);
  const state = { name, key, userKey, overhead, rc4Hash: clientHash };
  return {
    header: () => ({
      bytes: concat(
        random,
        clientHash.subarray(0, FIRST_MAC),
        who,
        serverHash.subarray(0, 4),
      ),
      taken: 0,
    }),
    writer: new Writer({ ...state, hash: clientHash }, {
      unit: SSR_CHAIN_UNIT,
      randomBytes,
    }),
    reader: new Reader({ ...state, hash: serverHash }, SEGMENT_SIZE),
  };
}

/** Makes the server's side. */
export function authChainServer(
  { name, key, ivs }: Keys,
  users: SsrUsers,
  { randomBytes }: SsrWorld,
): AuthServer {
  return {
    accept(bytes): AuthHeader | undefined {
      if (bytes.length < UID_AT) return undefined;
      const random = bytes.subarray(0, RANDOM);
      const clientHash = MD5.hmac(concat(ivs.received, key), random);
      check(name, clientHash, bytes.subarray(RANDOM, UID_AT));
      if (bytes.length < HEADER_LENGTH) return undefined;
      const uid = bytes.subarray(UID_AT, BLOCK_AT);
      const user = users.find(
        readU32le(xor(uid, clientHash.subarray(8, 12)), 0),
      );
      const userKey = user?.password ?? key;
      const who = bytes.subarray(UID_AT, SECOND_MAC_AT);
      const serverHash = MD5.hmac(userKey, who);
      check(name, serverHash, bytes.subarray(SECOND_MAC_AT, HEADER_LENGTH));
      const block = bytes.subarray(BLOCK_AT, SECOND_MAC_AT);
      const { stamp, client, connection, numbers: [overhead] } = openIdentity(
        block,
        userKey,
        name,
      );
      if (overhead > MAX_SSR_OVERHEAD) throw impossibleLength(name, overhead);
      const state = { name, key, userKey, overhead, rc4Hash: clientHash };
      return {
        stamp,
        id: {
          client: readU32le(client, 0),
          connection,
          ...(user && { user: user.name }),
        },
        data: NOTHING,
        length: HEADER_LENGTH,
        reader: new Reader({ ...state, hash: clientHash }, 0),
        writer: new Writer({ ...state, hash: serverHash }, {
          unit: SSR_SEGMENT - overhead,
          randomBytes,
          prefix: u16le(SSR_SEGMENT),
        }),
      };
    },
  };
}

/** The initial state of one direction. */
interface Start {
  readonly name: AuthChainName;
  readonly key: Uint8Array;
  readonly userKey: Uint8Array;
  readonly overhead: number;
  /** The hash that the RC4 key is made from. */
  readonly rc4Hash: Uint8Array;
  /** The hash that the first packet depends on. */
  readonly hash: Uint8Array;
}

/** The state of one direction. */
class Chain {
  readonly name: AuthChainName;
  readonly #rc4: Rc4;
  readonly random = new ChainRandom();
  readonly #userKey: Uint8Array;
  readonly #padding: ChainPadding;
  #hash: Uint8Array;
  #number = 1;

  constructor({ name, key, userKey, overhead, rc4Hash, hash }: Start) {
    this.name = name;
    this.#rc4 = new Rc4(chainRc4Key(userKey, rc4Hash));
    this.#userKey = userKey;
    this.#padding = chainPadding(name, { key, overhead, random: this.random });
    this.#hash = hash;
  }

  /** The mask of the next length. */
  get mask(): number {
    return readU16le(this.#hash, 14);
  }

  /**
   * Returns the number of random bytes, and how many of them come before the
   * data.
   */
  padding(length: number): { all: number; before: number } {
    const all = this.#padding(this.random, this.#hash, length);
    const before = length > 0 && all > 0
      ? Number(this.random.next() % 8_589_934_609n % BigInt(all))
      : 0;
    return { all, before };
  }

  /** Encrypts or decrypts the next data into a new array. */
  turn(data: Uint8Array): Uint8Array {
    const out = new Uint8Array(data.length);
    this.#rc4.apply(data, out);
    return out;
  }

  /** Returns the mac of the next packet: 16 bytes, of which 2 are sent. */
  mac(start: Uint8Array): Uint8Array {
    return MD5.hmac(concat(this.#userKey, u32le(this.#number)), start);
  }

  /** Advances the state after a packet. */
  next(mac: Uint8Array): void {
    this.#hash = mac;
    this.#number = (this.#number + 1) >>> 0;
  }
}

class Writer implements PacketWriter {
  readonly unit: number;
  readonly #chain: Chain;
  readonly #randomBytes: RandomBytes;
  /** Bytes before the first data. */
  #prefix: Uint8Array;

  constructor(start: Start, { unit, randomBytes, prefix = NOTHING }: {
    readonly unit: number;
    readonly randomBytes: RandomBytes;
    readonly prefix?: Uint8Array;
  }) {
    this.#chain = new Chain(start);
    this.unit = unit;
    this.#randomBytes = randomBytes;
    this.#prefix = prefix;
  }

  maxLength(dataLength: number): number {
    return PACKET_FRAME + this.#prefix.length + dataLength +
      mostPadding(dataLength);
  }

  pack(payload: Uint8Array, _burst: number, out: Uint8Array): number {
    const data = concat(this.#prefix, payload);
    this.#prefix = NOTHING;
    const { all, before } = this.#chain.padding(data.length);
    const random = this.#randomBytes(all);
    const end = 2 + all + data.length;
    out.set(u16le(data.length ^ this.#chain.mask));
    out.set(random.subarray(0, before), 2);
    out.set(this.#chain.turn(data), 2 + before);
    out.set(random.subarray(before), 2 + before + data.length);
    const mac = this.#chain.mac(out.subarray(0, end));
    this.#chain.next(mac);
    out.set(mac.subarray(0, 2), end);
    return end + 2;
  }
}

class Reader implements PacketReader {
  readonly #chain: Chain;
  /** Bytes before the first data that are dropped. */
  #prefixLength: number;
  /**
   * The sizes of the current packet. They are computed once, because that
   * changes the state.
   */
  #size: { data: number; all: number; before: number } | undefined;

  constructor(start: Start, prefixLength: number) {
    this.#chain = new Chain(start);
    this.#prefixLength = prefixLength;
  }

  take(bytes: Uint8Array): TakenPacket | undefined {
    if (bytes.length < PACKET_FRAME) return undefined;
    const size = this.#size ??= this.#measure(bytes);
    const end = 2 + size.data + size.all;
    if (bytes.length < end + 2) return undefined;
    const mac = this.#chain.mac(bytes.subarray(0, end));
    if (!equalBytes(mac.subarray(0, 2), bytes.subarray(end, end + 2))) {
      throw notAuthentic(this.#chain.name, "packet");
    }
    const at = 2 + size.before;
    const data = this.#chain.turn(bytes.subarray(at, at + size.data));
    this.#chain.next(mac);
    this.#size = undefined;
    return { data: this.#withoutPrefix(data), length: end + 2 };
  }

  #measure(bytes: Uint8Array): { data: number; all: number; before: number } {
    const data = readU16le(bytes, 0) ^ this.#chain.mask;
    if (data > MAX_SSR_CHAIN_BODY) {
      throw impossibleLength(this.#chain.name, data);
    }
    const padding = this.#chain.padding(data);
    if (data + padding.all > MAX_SSR_CHAIN_BODY) {
      throw impossibleLength(this.#chain.name, data + padding.all);
    }
    return { data, ...padding };
  }

  #withoutPrefix(data: Uint8Array): Uint8Array {
    if (this.#prefixLength === 0) return data;
    if (data.length < this.#prefixLength) {
      throw impossibleLength(this.#chain.name, data.length);
    }
    const rest = data.subarray(this.#prefixLength);
    this.#prefixLength = 0;
    return rest;
  }
}

/** Returns the RC4 key, 16 bytes. */
export function chainRc4Key(
  userKey: Uint8Array,
  hash: Uint8Array,
): Uint8Array {
  return MD5.hash(toLatin1(encodeBase64(userKey) + encodeBase64(hash)));
}

function check(name: string, mac: Uint8Array, sent: Uint8Array): void {
  if (equalBytes(mac.subarray(0, sent.length), sent)) return;
  throw notAuthentic(name, "header");
}
