/**
 * The server name in a TLS ClientHello, which is the first message of a TLS
 * client.
 *
 * Wire form: records [0x16 | 0x03 xx | length 2 | part of the message], the
 * message [0x01 | length 3 | version 2 | random 32 | id | suites | compression
 * | extensions]. Source: RFC 8446 §4.1.2 and §5.1; RFC 6066 §3. Does not:
 * decrypt Encrypted Client Hello; it returns the outer name.
 *
 * @module
 */
import { fromLatin1, readU16 } from "../bytes.ts";

const HANDSHAKE_RECORD = 0x16;
const MAJOR_VERSION = 0x03;
const RECORD_HEADER_LENGTH = 1 + 2 + 2;
const MAX_RECORD_LENGTH = 0x4000;

const CLIENT_HELLO = 0x01;
const MESSAGE_HEADER_LENGTH = 1 + 3;
const SERVER_NAME = 0x0000;
const HOST_NAME = 0x00;

/**
 * Reads the server name from the first bytes of a connection.
 *
 * Time and space: linear in the bytes.
 *
 * @param bytes All bytes received so far; borrowed.
 * @returns The name as it was sent; `"more"` if the message is incomplete;
 * `undefined` if the bytes are not a ClientHello or it has no name.
 */
export function serverNameOf(bytes: Uint8Array): string | undefined {
  const message = messageOf(bytes);
  if (message === undefined || message === "more") return message;
  const name = nameIn(message);
  return name && fromLatin1(name);
}

/**
 * Joins the records of the message.
 *
 * @returns The message without its header; `"more"` if it is incomplete.
 */
function messageOf(bytes: Uint8Array): Uint8Array | "more" | undefined {
  const message = new Uint8Array(bytes.length);
  let length = 0;
  for (let at = 0;;) {
    const header = bytes.subarray(at, at + RECORD_HEADER_LENGTH);
    if (header.length > 0 && header[0] !== HANDSHAKE_RECORD) return undefined;
    if (header.length > 1 && header[1] !== MAJOR_VERSION) return undefined;
    if (header.length < RECORD_HEADER_LENGTH) return "more";
    const size = readU16(header, 3);
    if (size === 0 || size > MAX_RECORD_LENGTH) return undefined;
    at += RECORD_HEADER_LENGTH;
    const part = bytes.subarray(at, at + size);
    message.set(part, length);
    length += part.length;
    at += size;
    if (length > 0 && message[0] !== CLIENT_HELLO) return undefined;
    if (length >= MESSAGE_HEADER_LENGTH) {
      const whole = MESSAGE_HEADER_LENGTH +
        (message[1]! << 16 | readU16(message, 2));
      if (length >= whole) {
        return message.subarray(MESSAGE_HEADER_LENGTH, whole);
      }
    }
    if (part.length < size) return "more";
  }
}

/** Finds the name in a complete message; `undefined` if it has none. */
function nameIn(message: Uint8Array): Uint8Array | undefined {
  const fields = new Fields(message);
  fields.take(2 + 32);
  fields.vector(1);
  fields.vector(2);
  fields.vector(1);
  const extensions = new Fields(fields.vector(2));
  while (extensions.isLeft) {
    const type = extensions.number(2);
    const content = new Fields(extensions.vector(2));
    if (type !== SERVER_NAME) continue;
    const names = new Fields(content.vector(2));
    while (names.isLeft) {
      const kind = names.number(1);
      const name = names.vector(2);
      if (kind === HOST_NAME) return name;
    }
  }
  return undefined;
}

/**
 * Reads fields in sequence. After a field that is too short, nothing is left.
 */
class Fields {
  #rest: Uint8Array | undefined;

  constructor(bytes: Uint8Array | undefined) {
    this.#rest = bytes;
  }

  get isLeft(): boolean {
    return this.#rest !== undefined && this.#rest.length > 0;
  }

  take(length: number): Uint8Array | undefined {
    const rest = this.#rest;
    const isThere = rest !== undefined && rest.length >= length;
    this.#rest = isThere ? rest.subarray(length) : undefined;
    return isThere ? rest.subarray(0, length) : undefined;
  }

  number(length: 1 | 2): number | undefined {
    return this.take(length)?.reduce((sum, byte) => sum << 8 | byte, 0);
  }

  /** Reads a length and as many bytes. */
  vector(length: 1 | 2): Uint8Array | undefined {
    const size = this.number(length);
    return size === undefined ? undefined : this.take(size);
  }
}
