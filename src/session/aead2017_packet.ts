/**
 * Packets of the 2017 edition: each stands for itself, so an association is
 * whatever comes from one address.
 *
 * @module
 */
import { openPacket, type Packet, sealPacket } from "../codec/packet.ts";
import type { MasterKey } from "../crypto/aead.ts";
import { ProtocolError } from "../errors.ts";
import type { RandomBytes } from "../random.ts";
import type { Endpoint } from "../transport.ts";
import type {
  ClientPacket,
  PacketClient,
  PacketProtocol,
  PacketServer,
} from "./packet_protocol.ts";

/**
 * The 2017 edition under one key.
 *
 * @param masterKey Key and method.
 * @param randomBytes Makes the salts.
 */
export function aead2017Packet(
  masterKey: MasterKey,
  randomBytes: RandomBytes,
): PacketProtocol {
  return {
    client: () => new Client(masterKey, randomBytes),
    server: () => new Server(masterKey, randomBytes),
  };
}

class Client implements PacketClient {
  readonly #masterKey: MasterKey;
  readonly #randomBytes: RandomBytes;

  constructor(masterKey: MasterKey, randomBytes: RandomBytes) {
    this.#masterKey = masterKey;
    this.#randomBytes = randomBytes;
  }

  seal(packet: Packet): Uint8Array {
    return sealPacket(this.#masterKey, this.#randomBytes, packet);
  }

  open(bytes: Uint8Array): Packet {
    return openPacket(this.#masterKey, bytes);
  }

  free(): void {
    // Nothing outlives a packet.
  }
}

class Server implements PacketServer {
  readonly #masterKey: MasterKey;
  readonly #randomBytes: RandomBytes;

  constructor(masterKey: MasterKey, randomBytes: RandomBytes) {
    this.#masterKey = masterKey;
    this.#randomBytes = randomBytes;
  }

  open(bytes: Uint8Array, { host, port }: Endpoint): ClientPacket {
    const packet = openPacket(this.#masterKey, bytes);
    if (packet.address.port === 0) {
      throw new ProtocolError(
        "ERR_SS_ADDRESS_INVALID",
        "Cannot accept packet: port is 0",
      );
    }
    return { ...packet, association: `${host} ${port}` };
  }

  seal(_association: string, packet: Packet): Uint8Array {
    return sealPacket(this.#masterKey, this.#randomBytes, packet);
  }

  end(): void {
    // Nothing outlives a packet.
  }
}
