/**
 * DNS messages, as far as they must be read to be passed on: header, question,
 * where the records are, their times to live, and OPT.
 *
 * Wire form: id (2) | flags (2) | number of questions, answers, authorities and
 * additional records (2 each) | question: name, type (2), class (2) | records:
 * name, type (2), class (2), time to live (4), length of the data (2), data.
 * Source: RFC 1035 §4.1, RFC 2181 §8, RFC 4343, RFC 6891 §6.1, RFC 7873 §4.
 * Does not: follow a compression pointer, nor read the data of a record other
 * than OPT. What is not read cannot be changed.
 *
 * @module
 */
import { concat, fromLatin1, readU16, writeU16 } from "../bytes.ts";
import { MAX_DNS_QUERY_LENGTH, MAX_DNS_UDP_LENGTH } from "../limits.ts";

/** One query; its parts share memory with the message. */
export interface DnsQuery {
  /** The id; the answer has the same. */
  readonly id: number;
  /** Name, type and class as they were sent. */
  readonly question: Uint8Array;
  /** Equal for queries that the same answer is for, whatever their ids. */
  readonly key: string;
  /** Bytes of an answer over UDP that the client takes. */
  readonly maxBytes: number;
  /** Flags of its OPT record; `undefined` when it has none. */
  readonly ednsFlags: number | undefined;
}

/** One answer; its parts share memory with the message. */
export interface DnsAnswer {
  /** That of the query. */
  readonly id: number;
  /** Name, type and class as they came. */
  readonly question: Uint8Array;
  /** True if it has been cut. */
  readonly truncated: boolean;
  /** Seconds it may be used again; 0: not at all. */
  readonly ttlSeconds: number;
}

/** Reads a query; `undefined` for what is none with exactly one question. */
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
 * Reads an answer; `undefined` for what is none with exactly one question.
 * Its records may be anything: one whose records cannot be found is passed on
 * like others, and not used again.
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

/** True if both ask the same; the case of letters in a name means nothing. */
export function sameQuestion(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && questionKey(a) === questionKey(b);
}

/**
 * A copy of an answer for another query, so many seconds later: with its id,
 * its question as it was sent, and less time to live.
 *
 * @param answer One with a `ttlSeconds` above 0, to the same question.
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
 * The beginning of an answer, which lets the client ask again over TCP: header
 * and question as they came, and an OPT record of our own for a query that has
 * one.
 *
 * @param answer One to this query.
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

/** A flag of an OPT record: the client wants signatures. */
export const DNSSEC_OK = 0x8000;

const TYPE_OPT = 41;
const OPTION_COOKIE = 10;

/** Bytes of type and class. */
export const QUESTION_TAIL: number = 2 + 2;

/** Type, class, time to live and length of the data. */
const RECORD_HEAD = 2 + 2 + 4 + 2;

/** Bytes of a name with its last, empty label. RFC 1035 §2.3.4. */
const MAX_NAME_LENGTH = 255;
const MAX_LABEL_LENGTH = 63;

/** First byte of a compression pointer, which has 2 bytes. */
const POINTER = 0xc0;

/** Bytes of an answer for a client that names no size. RFC 1035 §4.2.1. */
const PLAIN_UDP_LENGTH = 512;

/** A record: its type, and offsets in the message. */
export interface DnsRecord {
  /** The number of the type, as registered with IANA. */
  readonly type: number;
  /** The offset of the time to live; the class is 2 bytes before it. */
  readonly ttl: number;
  /** The offset of the data. */
  readonly data: number;
  /** Behind the data. */
  readonly end: number;
}

/** The only question; a name in it has nothing before it to point to. */
function questionOf(message: Uint8Array): Uint8Array | undefined {
  if (message.length < HEADER_LENGTH) return undefined;
  if (readU16(message, QUESTIONS) !== 1) return undefined;
  const name = nameEnd(message, HEADER_LENGTH, false);
  if (name === undefined || name + QUESTION_TAIL > message.length) {
    return undefined;
  }
  return message.subarray(HEADER_LENGTH, name + QUESTION_TAIL);
}

/** The end of a name; `undefined` when it has none. */
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

/** The records; `undefined` when the message ends before they do. */
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

/** The least time to live; 0 for what must not be used again. */
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

/** A time to live in seconds; more than 31 bits are 0. RFC 2181 §8. */
export function readTtl(message: Uint8Array, at: number): number {
  const ttl = readU16(message, at) * 0x1_0000 + readU16(message, at + 2);
  return ttl > 0x7fff_ffff ? 0 : ttl;
}

/**
 * Everything but the id, the case of the name, and the data of cookies, which
 * differ from client to client: an answer that has one is for its client alone.
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

/** Letters are lower case in the name; type and class are no letters. */
function questionKey(question: Uint8Array): string {
  const name = question.subarray(0, -QUESTION_TAIL);
  return fromLatin1(name).replace(
    /[A-Z]+/g,
    (letters) => letters.toLowerCase(),
  ) +
    fromLatin1(question.subarray(-QUESTION_TAIL));
}

/** Data of the cookies among the options; `undefined` when they are cut. */
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
 * An OPT record of our own: root name, type, bytes that we take, RCODE and
 * version 0, flags, no data.
 */
export function optRecord(flags: number): Uint8Array {
  const record = new Uint8Array(1 + RECORD_HEAD);
  writeU16(record, 1, TYPE_OPT);
  writeU16(record, 3, MAX_DNS_QUERY_LENGTH);
  writeU16(record, 7, flags);
  return record;
}
