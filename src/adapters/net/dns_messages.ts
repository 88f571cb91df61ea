/**
 * `DnsMessages` over the npm package `dns-packet`. It stands outside the portable core, as that package needs
 * Node's `Buffer`.
 *
 * Source: RFC 1035 §4, RFC 6891 §6.
 *
 * @module
 */
import { Buffer } from "node:buffer";
// @ts-types="./dns_packet.d.ts"
import dns, { type Packet } from "dns-packet";
import type { DnsAnswer, DnsQuery } from "../../dns_messages.ts";

/** Bytes of an answer for who does not say what it takes. RFC 1035 §4.2.1. */
const PLAIN_UDP_SIZE = 512;

/** Reads a query; `undefined` for what is none with exactly one question. */
export function readQuery(message: Uint8Array): DnsQuery | undefined {
  const packet = decode(message);
  if (packet?.type !== "query" || packet.opcode !== "QUERY") return undefined;
  const question = questionOf(packet);
  if (question === undefined) return undefined;
  const edns = packet.additionals.find(({ type }) => type === "OPT");
  const wants = [packet.flag_rd, packet.flag_cd, edns && (edns.flag_do ?? 0)];
  return {
    id: packet.id,
    key: [question, ...wants].join(" "),
    maxBytes: Math.max(PLAIN_UDP_SIZE, edns?.udpPayloadSize ?? 0),
  };
}

/** Reads an answer; `undefined` for what is none with exactly one question. */
export function readAnswer(message: Uint8Array): DnsAnswer | undefined {
  const packet = decode(message);
  if (packet?.type !== "response") return undefined;
  const question = questionOf(packet);
  if (question === undefined) return undefined;
  const ttls = [...packet.answers, ...packet.authorities]
    .map(({ ttl }) => ttl ?? 0);
  const worthKeeping = packet.rcode === "NOERROR" &&
    packet.answers.length > 0 && !packet.flag_tc;
  return {
    id: packet.id,
    question,
    truncated: packet.flag_tc,
    ttlSeconds: worthKeeping ? Math.min(...ttls) : 0,
  };
}

/** A copy of an answer for another query, so many seconds later. */
export function agedAnswer(
  message: Uint8Array,
  id: number,
  seconds: number,
): Uint8Array {
  const packet = dns.decode(Buffer.from(message));
  for (const record of [...packet.answers, ...packet.authorities]) {
    if (record.ttl !== undefined) {
      record.ttl = Math.max(0, record.ttl - seconds);
    }
  }
  return dns.encode({ ...packet, id });
}

/** The answer that makes who asks come back over TCP. */
export function truncatedAnswer(message: Uint8Array): Uint8Array {
  const packet = dns.decode(Buffer.from(message));
  return dns.encode({
    ...packet,
    flags: packet.flags | dns.TRUNCATED_RESPONSE,
    answers: [],
    authorities: [],
    additionals: packet.additionals.filter(({ type }) => type === "OPT"),
  });
}

function questionOf({ questions }: Packet): string | undefined {
  const [question] = questions;
  if (question === undefined || questions.length !== 1) return undefined;
  return [question.name.toLowerCase(), question.type, question.class].join(" ");
}

function decode(message: Uint8Array): Packet | undefined {
  try {
    return dns.decode(Buffer.from(message));
  } catch {
    // Not a DNS message; the library has no error class of its own.
    return undefined;
  }
}
