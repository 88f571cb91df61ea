/**
 * Protects what the engine must not know: passwords are sealed, and addresses
 * are replaced by keyed marks.
 *
 * ```text
 * sealed password   KIND_AND_KEY_ID(1) | NONCE(12) | AES-256-GCM | TAG(16)
 *                   kind in the top bit: 0 the bytes of a base64 key, 1 UTF-8
 *                   associated data: the first byte, then fleet, user, version
 * mark              the first 66 bits of HMAC-SHA256(mark key, user and place)
 * ```
 *
 * The key of each purpose is derived from the fleet key by HKDF-SHA256. While
 * one fleet key replaces another, the key id shows which of them sealed a
 * password.
 *
 * @module
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  timingSafeEqual,
} from "node:crypto";
import { ConfigError, StoreError } from "../../errors.ts";
import { FLEET_KEY_LENGTH } from "../../limits.ts";
import type { RandomBytes } from "../../random.ts";

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const TEXT_KIND = 0x80;
const CHECK_LENGTH = 16;

/** Length of a mark in characters. */
export const MARK_LENGTH = 11;

/** The keys that are derived from one fleet key. */
interface Subkeys {
  readonly id: number;
  readonly seal: Uint8Array;
  readonly mark: Uint8Array;
  readonly check: string;
}

/** The owner of a sealed password; it is part of the associated data. */
export interface SealedFor {
  /** Id of the fleet. */
  readonly fleet: string;
  /** Service and name of the user. */
  readonly id: string;
  readonly version: number;
}

/**
 * The fleet's keys: the current one, and one that it replaced or that will
 * replace it. The fleet determines which one is current: {@link FleetKeys.use}.
 */
export class FleetKeys {
  /** The keys in the order in which they were given. */
  #all: readonly Subkeys[];
  #current: Subkeys;
  /** The key of marks, if it is not that of the current key. */
  #mark: Uint8Array | undefined;

  /**
   * @param keys The first one is current until {@link FleetKeys.use}; the
   * others only open.
   * @throws {ConfigError} When a key does not have 32 bytes.
   */
  constructor(keys: readonly Uint8Array[]) {
    this.#all = keys.map(derive);
    const [current] = this.#all;
    if (current === undefined) throw wrongLength(0);
    this.#current = current;
  }

  /**
   * The check value of the current key. Nodes with the same key have the same
   * value; it reveals nothing of the key.
   */
  get check(): string {
    return this.#current.check;
  }

  /** The check value of each key, in the order in which they were given. */
  get checks(): readonly string[] {
    return this.#all.map(({ check }) => check);
  }

  /** The ids of all keys, the current one first. */
  get ids(): readonly number[] {
    const others = this.#all.filter((key) => key !== this.#current);
    return [this.#current, ...others].map(({ id }) => id);
  }

  /**
   * The key of marks. Secret. It is kept when the fleet key is replaced:
   * otherwise a user would count as being in two places.
   */
  get markKey(): Uint8Array {
    return this.#mark ?? this.#current.mark;
  }

  /**
   * Makes one of the keys the current one, which seals.
   *
   * @param check The check value of the key; one of {@link FleetKeys.isOf}.
   * @param markKey The key of marks. Default: that of this key.
   */
  use(check: string, markKey?: Uint8Array): void {
    this.#current = this.#all.find((key) => key.check === check) ??
      this.#current;
    this.#mark = markKey;
  }

  /** Replaces all keys but the current one. */
  adopt(other: FleetKeys): void {
    const all = other.#all;
    const { check } = this.#current;
    const isThere = all.some((key) => key.check === check);
    this.#all = isThere ? all : [this.#current, ...all];
    this.#current = this.#all.find((key) => key.check === check)!;
  }

  /** True if this is the check value of one of the keys. */
  isOf(check: string): boolean {
    const [given, ...all] = [check, ...this.#all.map((key) => key.check)]
      .map((text) => new TextEncoder().encode(text));
    return all.some((one) =>
      one.length === given!.length && timingSafeEqual(one, given!)
    );
  }

  /** Seals a password. */
  seal(
    password: string,
    whose: SealedFor,
    randomBytes: RandomBytes,
  ): Uint8Array {
    const { id, seal } = this.#current;
    const raw = keyBytes(password);
    const first = raw === undefined ? id | TEXT_KIND : id;
    const nonce = randomBytes(NONCE_LENGTH);
    const cipher = createCipheriv("aes-256-gcm", seal, nonce);
    cipher.setAAD(associated(first, whose));
    const sealed = cipher.update(raw ?? new TextEncoder().encode(password));
    cipher.final();
    return Uint8Array.of(first, ...nonce, ...sealed, ...cipher.getAuthTag());
  }

  /**
   * Opens a sealed password.
   *
   * @throws {StoreError} `ERR_STORE_DAMAGED` when the bytes were not sealed for
   * this user.
   */
  open(bytes: Uint8Array, whose: SealedFor): string {
    const first = bytes[0] ?? 0;
    const key = this.#all.find(({ id }) => id === keyIdOf(bytes));
    if (key === undefined || bytes.length < 1 + NONCE_LENGTH + TAG_LENGTH) {
      throw damaged(whose);
    }
    const end = bytes.length - TAG_LENGTH;
    const nonce = bytes.subarray(1, 1 + NONCE_LENGTH);
    const cipher = createDecipheriv("aes-256-gcm", key.seal, nonce);
    cipher.setAAD(associated(first, whose));
    cipher.setAuthTag(bytes.subarray(end));
    const opened = cipher.update(bytes.subarray(1 + NONCE_LENGTH, end));
    try {
      cipher.final();
    } catch {
      throw damaged(whose);
    }
    return first & TEXT_KIND
      ? new TextDecoder().decode(opened)
      : opened.toString("base64");
  }

  /** True if {@link FleetKeys.open} can open the password. */
  opens(bytes: Uint8Array, whose: SealedFor): boolean {
    try {
      this.open(bytes, whose);
      return true;
    } catch (error) {
      if (error instanceof StoreError) return false;
      throw error;
    }
  }

  /** True if the password was sealed with a key that is not the current one. */
  isOld(bytes: Uint8Array): boolean {
    return keyIdOf(bytes) !== this.#current.id;
  }

  /** Returns the mark of a place that a user is connected from. */
  mark(id: string, place: string): string {
    return createHmac("sha256", this.markKey)
      .update(`${id}\0${place}`).digest("base64url").slice(0, MARK_LENGTH);
  }
}

/** Returns the id of the fleet key that sealed a password. */
export function keyIdOf(sealed: Uint8Array): number {
  return (sealed[0] ?? 0) & ~TEXT_KIND;
}

function derive(key: Uint8Array): Subkeys {
  if (key.length !== FLEET_KEY_LENGTH) throw wrongLength(key.length);
  const of = (purpose: string): Uint8Array =>
    new Uint8Array(
      hkdfSync("sha256", key, "umbra fleet", purpose, FLEET_KEY_LENGTH),
    );
  return {
    id: of("id")[0]! & ~TEXT_KIND,
    seal: of("seal"),
    mark: of("mark"),
    check: of("check").subarray(0, CHECK_LENGTH).toBase64({
      alphabet: "base64url",
      omitPadding: true,
    }),
  };
}

/**
 * Returns the bytes of a password that is a base64 key, as 2022 methods have;
 * `undefined` for others.
 */
function keyBytes(password: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]{22,}={0,2}$/.test(password)) return undefined;
  if (password.length % 4 !== 0) return undefined;
  const bytes = Uint8Array.fromBase64(password);
  return bytes.toBase64() === password ? bytes : undefined;
}

const UTF8 = new TextEncoder();

function associated(first: number, whose: SealedFor): Uint8Array {
  const { fleet, id, version } = whose;
  const bytes = UTF8.encode(`\0${fleet}\0${id}\0k\0${version}`);
  bytes[0] = first;
  return bytes;
}

function damaged({ id }: SealedFor): StoreError {
  return new StoreError(
    "ERR_STORE_DAMAGED",
    `The sealed password of ${id} was not sealed with this fleet key`,
  );
}

function wrongLength(length: number): ConfigError {
  return new ConfigError(
    "ERR_CONFIG_VALUE",
    `A fleet key has ${FLEET_KEY_LENGTH} bytes, this one ${length}`,
  );
}
