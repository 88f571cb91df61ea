/**
 * The parts of DNS messages that a forwarder needs: header, question, positions
 * of the records, their times to live, and OPT.
 *
 * Wire form: id (2) | flags (2) | number of questions, answers, authorities and
 * additional records (2 each) | question: name, type (2), class (2) | records:
 * name, type (2), class (2), time to live (4), length of the data (2), data.
 * Source: RFC 1035 §4.1, RFC 2181 §8, RFC 4343, RFC 6891 §6.1, RFC 7873 §4.
 * Does not: follow compression pointers, or read the data of records other than
 * OPT. The parts that are not read are passed on unchanged.
 *
 * @module
 */
import { concat, fromLatin1, readU16, writeU16 } from "../bytes.ts";
import { MAX_DNS_QUERY_LENGTH, MAX_DNS_UDP_LENGTH } from "../limits.ts";

/** One query; its parts share memory with the message. */
export interface DnsQuery {
  /** The id, which the answer repeats. */
  readonly id: number;
  /** Name, type and class as they were sent. */
  readonly question: Uint8Array;
  /**
   * The cache key: equal for queries with the same answer, apart from the id.
   */
  readonly key: string;
  /** Maximum size of an answer over UDP for this client, in bytes. */
  readonly maxBytes: number;
  /** Flags of the OPT record; `undefined` if there is none. */
  readonly ednsFlags: number | undefined;
}

/** One answer; its parts share memory with the message. */
export interface DnsAnswer {
  /** The id of the query. */
  readonly id: number;
  /** Name, type and class as they came. */
  readonly question: Uint8Array;
  /** True if the answer was truncated. */
  readonly truncated: boolean;
  /** Seconds for which the answer may be reused; 0 means never. */
  readonly ttlSeconds: number;
}

/**
 * Reads a query; `undefined` if it is not a query with exactly one question.
 */
export function readDnsQuery(message: Uint8Array): DnsQuery | undefined {
  const question = questionOf(message);
  if (question === undefined) return undefined;
  if ((readU16(message, FLAGS) & (RESPONSE | OPCODE)) !== 0) return undefined;
  const records = recordsOf(message, HEADER_LENGTH + question.length);
  if (records === undefined) return undefined;
  const opt = records.find(({ type }) => type === TYPE_OPT);
  return {
    id: readU16(message, ID),
    question,
    key: keyOf(message, question, opt),
    maxBytes: opt === undefined ? PLAIN_UDP_LENGTH : Math.min(
      Math.max(PLAIN_UDP_LENGTH, readU16(message, opt.ttl - 2)),
      MAX_DNS_UDP_LENGTH,
    ),
    ednsFlags: opt && readU16(message, opt.ttl + 2),
  };
}

/**
 * Reads an answer; `undefined` if it is not an answer with exactly one
 * question. An answer whose records cannot be parsed is passed on, and not
 * reused.
 */
export function readDnsAnswer(message: Uint8Array): DnsAnswer | undefined {
  const question = questionOf(message);
  if (question === undefined) return undefined;
  const flags = readU16(message, FLAGS);
  if ((flags & (RESPONSE | OPCODE)) !== RESPONSE) return undefined;
  const truncated = (flags & TRUNCATED) !== 0;
  const worthKeeping = !truncated && (flags & RCODE) === 0 &&
    readU16(message, ANSWERS) > 0;
  return {
    id: readU16(message, ID),
    question,
    truncated,
    ttlSeconds: worthKeeping ? ttlOf(message, question) : 0,
  };
}

/** True if both questions are equal. Names are compared without case. */
export function sameQuestion(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && questionKey(a) === questionKey(b);
}

/**
 * Copies a cached answer for another query. The copy has that query's id and
 * its spelling of the question, and shorter times to live.
 *
 * @param answer An answer to the same question with a `ttlSeconds` above 0.
 * @param seconds The age of the answer.
 */
export function agedAnswer(
  answer: Uint8Array,
  { id, question }: DnsQuery,
  seconds: number,
): Uint8Array {
  const out = answer.slice();
  writeU16(out, ID, id);
  out.set(question, HEADER_LENGTH);
  const records = recordsOf(out, HEADER_LENGTH + question.length) ?? [];
  const view = new DataView(out.buffer, out.byteOffset, out.length);
  for (const { type, ttl } of records) {
    if (type === TYPE_OPT) continue;
    view.setUint32(ttl, Math.max(0, readTtl(out, ttl) - seconds));
  }
  return out;
}

/**
 * Truncates an answer, so that the client asks again over TCP. The result has
 * the header and the question of the answer, and an OPT record if the query has
 * one.
 *
 * @param answer An answer to this query.
 */
export function truncatedAnswer(
  answer: Uint8Array,
  { question, ednsFlags }: DnsQuery,
): Uint8Array {
  const kept = answer.subarray(0, HEADER_LENGTH + question.length);
  const out = ednsFlags === undefined
    ? kept.slice()
    : concat(kept, optRecord(ednsFlags & DNSSEC_OK));
  writeU16(out, FLAGS, readU16(out, FLAGS) | TRUNCATED);
  writeU16(out, ANSWERS, 0);
  writeU16(out, AUTHORITIES, 0);
  writeU16(out, ADDITIONALS, ednsFlags === undefined ? 0 : 1);
  return out;
}

/** Offset of the id in the header. */
export const ID = 0;
/** Offset of the flags. */
export const FLAGS = 2;
const QUESTIONS = 4;
/** Offset of the number of answers. */
export const ANSWERS = 6;
const AUTHORITIES = 8;
const ADDITIONALS = 10;
/** Bytes of the header. */
export const HEADER_LENGTH: number = 2 + 2 + 4 * 2;

/** Bits of the flags. */
const RESPONSE = 0x8000;
const OPCODE = 0x7800;
const TRUNCATED = 0x0200;
const RCODE = 0x000f;

/** Flag of an OPT record: the client wants DNSSEC signatures. */
export const DNSSEC_OK = 0x8000;

const TYPE_OPT = 41;
const OPTION_COOKIE = 10;

/** Bytes of type and class. */
export const QUESTION_TAIL: number = 2 + 2;

/** Bytes of type, class, time to live and length of the data. */
const RECORD_HEAD = 2 + 2 + 4 + 2;

/** Bytes of a name including its last, empty label. RFC 1035 §2.3.4. */
const MAX_NAME_LENGTH = 255;
const MAX_LABEL_LENGTH = 63;

/** First byte of a compression pointer, which has 2 bytes. */
const POINTER = 0xc0;

/** Bytes of an answer if the client names no size. RFC 1035 §4.2.1. */
const PLAIN_UDP_LENGTH = 512;

/** A record: its type, and offsets in the message. */
export interface DnsRecord {
  /** The number of the type, as registered with IANA. */
  readonly type: number;
  /** The offset of the time to live; the class is 2 bytes before it. */
  readonly ttl: number;
  /** The offset of the data. */
  readonly data: number;
  /** The offset of the end of the data. */
  readonly end: number;
}

/**
 * Returns the only question. Its name cannot contain a pointer, because no name
 * precedes it.
 */
function questionOf(message: Uint8Array): Uint8Array | undefined {
  if (message.length < HEADER_LENGTH) return undefined;
  if (readU16(message, QUESTIONS) !== 1) return undefined;
  const name = nameEnd(message, HEADER_LENGTH, false);
  if (name === undefined || name + QUESTION_TAIL > message.length) {
    return undefined;
  }
  return message.subarray(HEADER_LENGTH, name + QUESTION_TAIL);
}

/** Returns the offset after a name; `undefined` if the name is invalid. */
function nameEnd(
  message: Uint8Array,
  start: number,
  pointers: boolean,
): number | undefined {
  for (let at = start; at < start + MAX_NAME_LENGTH;) {
    const length = message[at];
    if (length === undefined) return undefined;
    if (length === 0) return at + 1;
    if (pointers && length >= POINTER) return at + 2;
    if (length > MAX_LABEL_LENGTH) return undefined;
    at += 1 + length;
  }
  return undefined;
}

/** Lists the records; `undefined` if the message ends inside them. */
export function recordsOf(
  message: Uint8Array,
  start: number,
): DnsRecord[] | undefined {
  const count = readU16(message, ANSWERS) + readU16(message, AUTHORITIES) +
    readU16(message, ADDITIONALS);
  const records: DnsRecord[] = [];
  for (let at = start; records.length < count;) {
    const head = nameEnd(message, at, true);
    if (head === undefined || head + RECORD_HEAD > message.length) {
      return undefined;
    }
    const data = head + RECORD_HEAD;
    const end = data + readU16(message, data - 2);
    if (end > message.length) return undefined;
    records.push({ type: readU16(message, head), ttl: head + 4, data, end });
    at = end;
  }
  return records;
}

/** Returns the shortest time to live; 0 if the answer must not be reused. */
function ttlOf(message: Uint8Array, question: Uint8Array): number {
  const records = recordsOf(message, HEADER_LENGTH + question.length);
  if (records === undefined) return 0;
  let least = Infinity;
  for (const record of records) {
    if (record.type !== TYPE_OPT) {
      least = Math.min(least, readTtl(message, record.ttl));
    } else if (!isForAll(message, record)) return 0;
  }
  return Number.isFinite(least) ? least : 0;
}

/** True if an OPT record has no upper bits of an RCODE and no cookie. */
function isForAll(message: Uint8Array, opt: DnsRecord): boolean {
  const cookies = cookiesOf(message, opt);
  return message[opt.ttl] === 0 && cookies?.length === 0;
}

/**
 * Reads a time to live in seconds; values above 31 bits count as 0. RFC 2181
 * §8.
 */
export function readTtl(message: Uint8Array, at: number): number {
  const ttl = readU16(message, at) * 0x1_0000 + readU16(message, at + 2);
  return ttl > 0x7fff_ffff ? 0 : ttl;
}

/**
 * Returns the query without its id, the case of its name, and the data of
 * cookies. Cookies differ between clients, so an answer with a cookie is never
 * reused.
 */
function keyOf(
  message: Uint8Array,
  question: Uint8Array,
  opt: DnsRecord | undefined,
): string {
  let key = fromLatin1(message.subarray(FLAGS, HEADER_LENGTH)) +
    questionKey(question);
  let at = HEADER_LENGTH + question.length;
  for (const { start, end } of opt && cookiesOf(message, opt) || []) {
    key += fromLatin1(message.subarray(at, start));
    at = end;
  }
  return key + fromLatin1(message.subarray(at));
}

/**
 * Returns the question with its name in lower case. Type and class are kept.
 */
function questionKey(question: Uint8Array): string {
  const name = question.subarray(0, -QUESTION_TAIL);
  return fromLatin1(name).replace(
    /[A-Z]+/g,
    (letters) => letters.toLowerCase(),
  ) +
    fromLatin1(question.subarray(-QUESTION_TAIL));
}

/** Finds the data of the cookies; `undefined` if the options are truncated. */
function cookiesOf(
  message: Uint8Array,
  { data, end }: DnsRecord,
): { start: number; end: number }[] | undefined {
  const cookies = [];
  for (let start = data; start < end;) {
    if (start + 4 > end) return undefined;
    const next = start + 4 + readU16(message, start + 2);
    if (next > end) return undefined;
    if (readU16(message, start) === OPTION_COOKIE) {
      cookies.push({ start: start + 4, end: next });
    }
    start = next;
  }
  return cookies;
}

/**
 * Makes an OPT record: root name, type, maximum message size, RCODE and version
 * 0, flags, no data.
 */
export function optRecord(flags: number): Uint8Array {
  const record = new Uint8Array(1 + RECORD_HEAD);
  writeU16(record, 1, TYPE_OPT);
  writeU16(record, 3, MAX_DNS_QUERY_LENGTH);
  writeU16(record, 7, flags);
  return record;
}
