/**
 * Packets of AEAD 2017. Each packet is independent, so an association is a user
 * and an address. The user is found for each packet by trying keys. A small
 * packet of an unauthenticated sender is tried with every key; a large one only
 * until the limit of bytes is reached.
 *
 * @module
 */
import {
  openPacket,
  type Packet,
  sealPacket,
  tryOpenPacket,
} from "../../codec/packet.ts";
import type { MasterKey } from "../../crypto/aead.ts";
import { PolicyError } from "../../errors.ts";
import { MAX_TRIAL_BYTES } from "../../limits.ts";
import type { RandomBytes } from "../../random.ts";
import type { Endpoint } from "../../transport.ts";
import type {
  ClientPacket,
  PacketClient,
  PacketServer,
} from "../packet_protocol.ts";
import { checkTargetPort } from "../target_port.ts";
import type { User2017, Users2017 } from "./users.ts";

/** The UDP client. */
export class PacketClient2017 implements PacketClient {
  readonly #masterKey: MasterKey;
  readonly #randomBytes: RandomBytes;

  /**
   * Makes an association, which keeps no state between packets.
   *
   * @param masterKey Key and method.
   * @param randomBytes Makes the salts.
   */
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
    // No state outlives a packet.
  }
}

/** The UDP server, for one user or several. */
export class PacketServer2017 implements PacketServer {
  readonly #users: Users2017;
  readonly #randomBytes: RandomBytes;
  /** The keys for answers, by association. */
  readonly #keys = new Map<string, MasterKey>();

  /** @param users At least one; they may change. */
  constructor(users: Users2017, randomBytes: RandomBytes) {
    this.#users = users;
    this.#randomBytes = randomBytes;
  }

  open(bytes: Uint8Array, { host, port }: Endpoint): ClientPacket {
    let leftBytes = MAX_TRIAL_BYTES;
    const attempt = ({ masterKey }: User2017): Packet | undefined => {
      leftBytes -= bytes.length;
      if (leftBytes >= 0) return tryOpenPacket(masterKey, bytes);
      throw new PolicyError(
        "ERR_POLICY_LIMIT",
        `Cannot open packet: ${bytes.length} bytes are too many to try more keys`,
      );
    };
    const { user: { name, masterKey }, opened } = this.#users.match(
      attempt,
      host,
      "packet",
    );
    checkTargetPort(opened.address, "packet");
    const association = `${host} ${port} ${name ?? ""}`;
    this.#keys.set(association, masterKey);
    return {
      ...opened,
      association,
      ...(name !== undefined && { user: name }),
    };
  }

  seal(association: string, packet: Packet): Uint8Array {
    const key = this.#keys.get(association);
    if (key === undefined) {
      throw new TypeError("Cannot seal: there is no such association");
    }
    return sealPacket(key, this.#randomBytes, packet);
  }

  end(association: string): void {
    this.#keys.delete(association);
  }
}
