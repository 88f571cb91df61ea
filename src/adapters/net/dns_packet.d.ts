// The names are those of dns-packet.
// deno-lint-ignore-file camelcase
/**
 * The part of `dns-packet` 5.6.1 that `dns_messages.ts` uses; the package
 * itself ships no types.
 *
 * @module
 */

/** One question. */
export interface Question {
  /** Without the final dot. */
  name: string;
  type: string;
  class: string;
}

/** One record; an OPT record has no `ttl`. */
export interface ResourceRecord {
  type: string;
  ttl?: number;
  /** Of OPT: bytes the sender takes. */
  udpPayloadSize?: number;
  /** Of OPT: the sender wants DNSSEC records. */
  flag_do?: boolean;
}

/** One message. */
export interface Packet {
  type: "query" | "response";
  id: number;
  flags: number;
  opcode: string;
  rcode: string;
  flag_tc: boolean;
  flag_rd: boolean;
  flag_cd: boolean;
  questions: Question[];
  answers: ResourceRecord[];
  authorities: ResourceRecord[];
  additionals: ResourceRecord[];
}

declare const packet: {
  /** @throws {Error} What is no DNS message. */
  decode(bytes: Uint8Array): Packet;
  /** Sets a flag in `Packet.flags`. */
  readonly TRUNCATED_RESPONSE: number;
  encode(packet: Partial<Packet>): Uint8Array;
};
export default packet;
