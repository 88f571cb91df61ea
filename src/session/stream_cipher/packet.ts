/**
 * Packets of stream ciphers. Each packet has its own IV, and an association is
 * an address.
 *
 * ```text
 * IV 0..24 | encrypted: address | payload 0..
 * ```
 *
 * Security: as for streams. Any packet that decrypts to an address is served.
 *
 * Source: shadowsocks-libev 3.3.5.
 *
 * @module
 */
import { decodeAddress, encodeAddress } from "../../codec/address.ts";
import { type Packet, truncatedPacket } from "../../codec/packet.ts";
import type { StreamKey } from "../../crypto/stream_key.ts";
import type { RandomBytes } from "../../random.ts";
import type { Endpoint } from "../../transport.ts";
import type {
  ClientPacket,
  PacketClient,
  PacketServer,
} from "../packet_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import type { IvMemory } from "./iv_memory.ts";
import { refuseOneTimeAuth } from "./one_time_auth.ts";

/** The UDP client. */
export class CipherPacketClient implements PacketClient {
  readonly #key: StreamKey;
  readonly #randomBytes: RandomBytes;

  /**
   * Makes an association, which keeps no state between packets.
   *
   * @param randomBytes Makes the IVs.
   */
  constructor(key: StreamKey, randomBytes: RandomBytes) {
    this.#key = key;
    this.#randomBytes = randomBytes;
  }

  seal(packet: Packet): Uint8Array {
    const iv = this.#randomBytes(this.#key.method.ivLength);
    return sealPacket(this.#key, iv, packet);
  }

  open(bytes: Uint8Array): Packet {
    return openPacket(this.#key, bytes);
  }

  free(): void {
    // No state outlives a packet.
  }
}

/** The UDP server. */
export class CipherPacketServer implements PacketServer {
  readonly #key: StreamKey;
  readonly #randomBytes: RandomBytes;
  readonly #memory: IvMemory;

  /**
   * Makes a server, which keeps no state of associations.
   *
   * @param randomBytes Makes the IVs.
   * @param memory The IVs that were seen.
   */
  constructor(key: StreamKey, randomBytes: RandomBytes, memory: IvMemory) {
    this.#key = key;
    this.#randomBytes = randomBytes;
    this.#memory = memory;
  }

  open(bytes: Uint8Array, { host, port }: Endpoint): ClientPacket {
    const packet = openPacket(this.#key, bytes);
    checkTargetPort(packet.address, "packet");
    this.#memory.acceptPacket(bytes.subarray(0, this.#key.method.ivLength));
    return { ...packet, association: `${host} ${port}` };
  }

  seal(_association: string, packet: Packet): Uint8Array {
    const iv = this.#randomBytes(this.#key.method.ivLength);
    this.#memory.rememberPacket(iv);
    return sealPacket(this.#key, iv, packet);
  }

  end(): void {
    // An association is an address without further state.
  }
}

function sealPacket(
  key: StreamKey,
  iv: Uint8Array,
  { address, payload }: Packet,
): Uint8Array {
  const head = encodeAddress(address);
  const bytes = new Uint8Array(iv.length + head.length + payload.length);
  bytes.set(iv);
  bytes.set(head, iv.length);
  bytes.set(payload, iv.length + head.length);
  const turned = bytes.subarray(iv.length);
  const stream = key.keyStream(iv, "encrypt");
  try {
    stream.apply(turned, turned);
  } finally {
    stream.free();
  }
  return bytes;
}

/** @throws {ProtocolError} Any `ERR_SS_…`. */
function openPacket(key: StreamKey, bytes: Uint8Array): Packet {
  const { ivLength } = key.method;
  if (bytes.length <= ivLength) throw truncatedPacket(bytes);
  const plaintext = new Uint8Array(bytes.length - ivLength);
  const stream = key.keyStream(bytes.subarray(0, ivLength), "decrypt");
  try {
    stream.apply(bytes.subarray(ivLength), plaintext);
  } finally {
    stream.free();
  }
  refuseOneTimeAuth(plaintext, "packet");
  const decoded = decodeAddress(plaintext);
  if (decoded === undefined) throw truncatedPacket(bytes);
  return {
    address: decoded.address,
    payload: plaintext.subarray(decoded.length),
  };
}
