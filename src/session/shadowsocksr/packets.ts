/**
 * ShadowsocksR over UDP. Each packet is independent, so an association is a
 * user and an address. There is no obfs.
 *
 * ```text
 * IV | stream cipher of ( address | payload | what the protocol adds )
 * ```
 *
 * @module
 */
import { concat } from "../../bytes.ts";
import { decodeAddress, encodeAddress } from "../../codec/address.ts";
import type { Packet } from "../../codec/packet.ts";
import { ProtocolError } from "../../errors.ts";
import type { RandomBytes } from "../../random.ts";
import type { Endpoint } from "../../transport.ts";
import type {
  ClientPacket,
  PacketClient,
  PacketServer,
} from "../packet_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import type { SsrClientPort } from "./client.ts";
import {
  type DatagramProtocol,
  datagramProtocol,
  type DatagramUser,
  userKeyOf,
} from "./protocol/auth_datagram.ts";
import { readU32le } from "./protocol/auth_protocol.ts";
import type { SsrServerPort } from "./server.ts";
import type { SsrKey } from "./ssr_key.ts";
import type { IvMemory } from "../stream_cipher/iv_memory.ts";

/** One association of a client. */
export class SsrPacketClient implements PacketClient {
  readonly #key: SsrKey;
  readonly #randomBytes: RandomBytes;
  readonly #protocol: DatagramProtocol;
  readonly #user: DatagramUser;

  /** @param keys The same as for streams. */
  constructor(
    { key, protocol, user }: Pick<SsrClientPort, "key" | "protocol" | "user">,
    randomBytes: RandomBytes,
  ) {
    this.#key = key;
    this.#randomBytes = randomBytes;
    this.#protocol = datagramProtocol(protocol, key.bytes(), randomBytes);
    this.#user = {
      uid: user?.uid ?? readU32le(randomBytes(4), 0),
      userKey: userKeyOf(protocol, key.bytes(), user),
    };
  }

  seal(packet: Packet): Uint8Array {
    const data = encodePacket(packet);
    const inner = this.#protocol.sealUp(data, this.#user);
    return sealDatagram(
      this.#key,
      this.#randomBytes(ivLength(this.#key)),
      inner,
    );
  }

  open(bytes: Uint8Array): Packet {
    const { inner } = openDatagram(this.#key, bytes);
    return decodePacket(this.#protocol.openDown(inner, this.#user));
  }

  free(): void {
    // No state outlives a packet.
  }
}

/** The associations of a server. */
export class SsrPacketServer implements PacketServer {
  readonly #port: SsrServerPort;
  readonly #randomBytes: RandomBytes;
  readonly #memory: IvMemory;
  readonly #protocol: DatagramProtocol;
  /** The user of each association, for answers. */
  readonly #users = new Map<string, DatagramUser>();

  /**
   * Makes a server without associations.
   *
   * @param memory The IVs of received and sent packets.
   */
  constructor(
    port: SsrServerPort,
    randomBytes: RandomBytes,
    memory: IvMemory,
  ) {
    this.#port = port;
    this.#randomBytes = randomBytes;
    this.#memory = memory;
    const { protocol, key } = port;
    this.#protocol = datagramProtocol(protocol.name, key.bytes(), randomBytes);
  }

  open(bytes: Uint8Array, { host, port }: Endpoint): ClientPacket {
    const { iv, inner } = openDatagram(this.#port.key, bytes);
    let name: string | undefined;
    const { data, user } = this.#protocol.openUp(inner, (uid) => {
      const user = this.#port.users.find(uid);
      name = user?.name;
      const { protocol, key } = this.#port;
      return { uid, userKey: userKeyOf(protocol.name, key.bytes(), user) };
    });
    const packet = decodePacket(data);
    checkTargetPort(packet.address, "packet");
    this.#memory.acceptPacket(iv);
    const association = `${host} ${port} ${name ?? ""}`;
    this.#users.set(association, user ?? this.#anybody);
    return {
      ...packet,
      association,
      ...(name !== undefined && { user: name }),
    };
  }

  seal(association: string, packet: Packet): Uint8Array {
    const user = this.#users.get(association);
    if (user === undefined) {
      throw new TypeError("Cannot seal: there is no such association");
    }
    const iv = this.#randomBytes(ivLength(this.#port.key));
    // A packet that is sent must not be served when it comes back.
    this.#memory.rememberPacket(iv);
    const inner = this.#protocol.sealDown(encodePacket(packet), user);
    return sealDatagram(this.#port.key, iv, inner);
  }

  end(association: string): void {
    this.#users.delete(association);
  }

  get #anybody(): DatagramUser {
    return { uid: 0, userKey: this.#port.key.bytes() };
  }
}

function ivLength({ stream }: SsrKey): number {
  return stream.method.ivLength;
}

function sealDatagram(
  key: SsrKey,
  iv: Uint8Array,
  inner: Uint8Array,
): Uint8Array {
  const out = concat(iv, inner);
  const stream = key.stream.keyStream(iv, "encrypt");
  stream.apply(inner, out.subarray(iv.length));
  stream.free();
  return out;
}

function openDatagram(
  key: SsrKey,
  bytes: Uint8Array,
): { iv: Uint8Array; inner: Uint8Array } {
  const length = ivLength(key);
  if (bytes.length < length) {
    throw new ProtocolError(
      "ERR_SS_TRUNCATED",
      `Cannot open packet: ${bytes.length} bytes are too few for an IV`,
    );
  }
  const iv = bytes.subarray(0, length);
  const inner = new Uint8Array(bytes.length - length);
  const stream = key.stream.keyStream(iv, "decrypt");
  stream.apply(bytes.subarray(length), inner);
  stream.free();
  return { iv, inner };
}

function encodePacket({ address, payload }: Packet): Uint8Array {
  return concat(encodeAddress(address), payload);
}

function decodePacket(data: Uint8Array): Packet {
  const decoded = decodeAddress(data);
  if (decoded === undefined) {
    throw new ProtocolError(
      "ERR_SS_TRUNCATED",
      `Cannot open packet: it ends after ${data.length} bytes, inside its ` +
        "address",
    );
  }
  return { address: decoded.address, payload: data.slice(decoded.length) };
}
