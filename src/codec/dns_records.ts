/**
 * Addresses in DNS messages: it reads questions and answers, and makes answers.
 *
 * Wire form of an address record: name, type (2), class (2), time to live (4),
 * length of the data (2), 4 or 16 bytes. Source: RFC 1035 §3.2.1, §4.1; RFC
 * 3596 §2; RFC 9460 §2. Does not: follow aliases, because a resolver puts the
 * addresses of the alias into the same answer.
 *
 * @module
 */
import { concat, fromLatin1, readU16, writeU16 } from "../bytes.ts";
import { MAX_ANSWER_ADDRESSES } from "../limits.ts";
import {
  ANSWERS,
  type DnsQuery,
  DNSSEC_OK,
  FLAGS,
  HEADER_LENGTH,
  ID,
  optRecord,
  QUESTION_TAIL,
  readTtl,
  recordsOf,
} from "./dns_message.ts";

/** Types of records that contain addresses of a name. */
export const DNS_TYPE = { a: 1, aaaa: 28, svcb: 64, https: 65 } as const;

/** Response codes: success, server failure, and no such name. */
export const DNS_CODE = { ok: 0, failure: 2, noName: 3 } as const;

/** A question in text form. */
export interface DnsQuestion {
  /**
   * The name in lower case, without the final dot. `undefined` if it cannot be
   * a host: the root, or bytes other than letters, digits, `-` and `_`.
   */
  readonly name: string | undefined;
  /** Type of the requested records. */
  readonly type: number;
}

/** Addresses of an answer. */
export interface DnsAddresses {
  /** 4 or 16 bytes each; they share memory with the message. */
  readonly addresses: readonly Uint8Array[];
  /** Seconds for which all addresses are valid: the shortest time to live. */
  readonly ttlSeconds: number;
}

/** Reads the question of a query, see `DnsQuery.question`. */
export function readQuestion(question: Uint8Array): DnsQuestion {
  const end = question.length - QUESTION_TAIL;
  const type = readU16(question, end);
  const isInternet = readU16(question, end + 2) === CLASS_INTERNET;
  const labels: string[] = [];
  for (let at = 0; question[at]! > 0;) {
    const next = at + 1 + question[at]!;
    labels.push(fromLatin1(question.subarray(at + 1, next)));
    at = next;
  }
  const name = labels.join(".");
  const isHost = isInternet && labels.every((label) => HOST_LABEL.test(label));
  return {
    name: isHost && name !== "" ? name.toLowerCase() : undefined,
    type,
  };
}

/**
 * Returns the addresses in an answer; none if its records cannot be parsed.
 *
 * @param question The question of that answer.
 */
export function addressesIn(
  message: Uint8Array,
  question: Uint8Array,
): DnsAddresses {
  const records = recordsOf(message, HEADER_LENGTH + question.length) ?? [];
  const found = records.slice(0, readU16(message, ANSWERS))
    .filter(({ type, ttl, data, end }) =>
      readU16(message, ttl - 2) === CLASS_INTERNET &&
      end - data === ADDRESS_LENGTHS.get(type)
    )
    .slice(0, MAX_ANSWER_ADDRESSES);
  return {
    addresses: found.map(({ data, end }) => message.subarray(data, end)),
    ttlSeconds: found.length === 0
      ? 0
      : Math.min(...found.map(({ ttl }) => readTtl(message, ttl))),
  };
}

/** The content of an answer made here. */
export interface OwnAnswer {
  /** A code of {@link DNS_CODE}; default: success. */
  readonly code?: number;
  /** 4 or 16 bytes each, all of the same length; default: none. */
  readonly addresses?: readonly Uint8Array[];
  /** Seconds for which the addresses are valid; default 0. */
  readonly ttlSeconds?: number;
}

/**
 * Answers a query without a resolver.
 *
 * @param message The query as it was received.
 */
export function ownAnswer(
  message: Uint8Array,
  { id, question, ednsFlags }: DnsQuery,
  { code = DNS_CODE.ok, addresses = [], ttlSeconds = 0 }: OwnAnswer,
): Uint8Array {
  const header = new Uint8Array(HEADER_LENGTH);
  writeU16(header, ID, id);
  const asked = readU16(message, FLAGS) & RECURSION_DESIRED;
  writeU16(header, FLAGS, RESPONSE | RECURSION_AVAILABLE | asked | code);
  writeU16(header, QUESTIONS, 1);
  writeU16(header, ANSWERS, addresses.length);
  writeU16(header, ADDITIONALS, ednsFlags === undefined ? 0 : 1);
  return concat(
    header,
    question,
    ...addresses.map((address) => addressRecord(address, ttlSeconds)),
    ...ednsFlags === undefined ? [] : [optRecord(ednsFlags & DNSSEC_OK)],
  );
}

/**
 * Makes a query for addresses.
 *
 * @param id 0 to 65,535.
 * @param name ASCII, at most 253 bytes in labels of 63.
 * @param type A type of {@link DNS_TYPE}.
 * @returns `undefined` if the name is not valid.
 */
export function addressQuery(
  id: number,
  name: string,
  type: number,
): Uint8Array | undefined {
  const labels = name.split(".");
  const isName = name.length <= MAX_NAME_TEXT &&
    labels.every((label) =>
      HOST_LABEL.test(label) && label.length <= MAX_LABEL
    );
  if (!isName) return undefined;
  const out = new Uint8Array(
    HEADER_LENGTH + 1 + name.length + 1 + QUESTION_TAIL,
  );
  writeU16(out, ID, id);
  writeU16(out, FLAGS, RECURSION_DESIRED);
  writeU16(out, QUESTIONS, 1);
  let at = HEADER_LENGTH;
  for (const label of labels) {
    out[at] = label.length;
    out.set(new TextEncoder().encode(label), at + 1);
    at += 1 + label.length;
  }
  writeU16(out, at + 1, type);
  writeU16(out, at + 3, CLASS_INTERNET);
  return out;
}

const QUESTIONS = 4;
const ADDITIONALS = 10;

/** Bits of the flags. */
const RESPONSE = 0x8000;
const RECURSION_DESIRED = 0x0100;
const RECURSION_AVAILABLE = 0x0080;

const CLASS_INTERNET = 1;

/** Bytes of the data, by type. */
const ADDRESS_LENGTHS: ReadonlyMap<number, number> = new Map([
  [DNS_TYPE.a, 4],
  [DNS_TYPE.aaaa, 16],
]);

/** A pointer to the name of the question. */
const SAME_NAME = 0xc000 | HEADER_LENGTH;

/** Bytes of name, type, class, time to live, and length of the data. */
const RECORD_HEAD = 2 + 2 + 2 + 4 + 2;

/**
 * Characters of a name of 255 bytes, without its first length byte and the
 * root.
 */
const MAX_NAME_TEXT = 255 - 2;
const MAX_LABEL = 63;

const HOST_LABEL = /^[\w-]+$/;

function addressRecord(address: Uint8Array, ttlSeconds: number): Uint8Array {
  const record = new Uint8Array(RECORD_HEAD + address.length);
  writeU16(record, 0, SAME_NAME);
  writeU16(record, 2, address.length === 4 ? DNS_TYPE.a : DNS_TYPE.aaaa);
  writeU16(record, 4, CLASS_INTERNET);
  new DataView(record.buffer).setUint32(6, ttlSeconds);
  writeU16(record, 10, address.length);
  record.set(address, RECORD_HEAD);
  return record;
}
