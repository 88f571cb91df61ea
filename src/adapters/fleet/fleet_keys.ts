/**
 * What the engine must not know: passwords, which it has sealed, and addresses,
 * of which it has keyed marks.
 *
 * ```text
 * sealed password   KIND_AND_KEY_ID(1) | NONCE(12) | AES-256-GCM | TAG(16)
 *                   kind in the top bit: 0 the bytes of a base64 key, 1 UTF-8
 *                   associated data: the first byte, then fleet, user, version
 * mark              the first 66 bits of HMAC-SHA256(mark key, user and place)
 * ```
 *
 * The keys of each purpose are derived from the fleet key by HKDF-SHA256. The
 * key id tells which of two fleet keys sealed something, while one takes the
 * place of the other.
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
import { MARK_LENGTH } from "./_scripts.ts";

const NONCE_LENGTH = 12;
const TAG_LENGTH = 16;
const TEXT_KIND = 0x80;
const CHECK_LENGTH = 16;

/** The keys of one fleet key. */
interface Subkeys {
  readonly id: number;
  readonly seal: Uint8Array;
  readonly mark: Uint8Array;
  readonly check: string;
}

/** What a password belongs to. */
export interface SealedFor {
  /** Id of the fleet. */
  readonly fleet: string;
  /** Service and name. */
  readonly id: string;
  readonly version: number;
}

/**
 * The fleet's keys: the one in use, and one that was or will be. Which of them
 * that is, the fleet says: {@link FleetKeys.use}.
 */
export class FleetKeys {
  /** In the order in which they were given. */
  #all: readonly Subkeys[];
  #current: Subkeys;
  /** The key of marks, where it is not that of the current key. */
  #mark: Uint8Array | undefined;

  /**
   * @param keys The first one seals until the fleet says more; the others only
   * open.
   * @throws {ConfigError} When one does not have 32 bytes.
   */
  constructor(keys: readonly Uint8Array[]) {
    this.#all = keys.map(derive);
    const [current] = this.#all;
    if (current === undefined) throw wrongLength(0);
    this.#current = current;
  }

  /**
   * A check value: it shows that two nodes have the same key, and nothing of
   * the key.
   */
  get check(): string {
    return this.#current.check;
  }

  /** The check value of each, in the order in which they were given. */
  get checks(): readonly string[] {
    return this.#all.map(({ check }) => check);
  }

  /** The ids of all of them, of the current one first. */
  get ids(): readonly number[] {
    const others = this.#all.filter((key) => key !== this.#current);
    return [this.#current, ...others].map(({ id }) => id);
  }

  /**
   * The key of marks. It stays when another fleet key takes the place of this
   * one: a user would be in two places else. Secret.
   */
  get markKey(): Uint8Array {
    return this.#mark ?? this.#current.mark;
  }

  /**
   * Lets a key of these seal from now on.
   *
   * @param check Its check value; one of {@link FleetKeys.isOf}.
   * @param markKey The key of marks. Default: that of this key.
   */
  use(check: string, markKey?: Uint8Array): void {
    this.#current = this.#all.find((key) => key.check === check) ??
      this.#current;
    this.#mark = markKey;
  }

  /** Takes other keys in the place of all but the current one. */
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
   * @throws {StoreError} `ERR_STORE_DAMAGED` when it is not what was sealed for
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

  /** True if {@link FleetKeys.open} opens it. */
  opens(bytes: Uint8Array, whose: SealedFor): boolean {
    try {
      this.open(bytes, whose);
      return true;
    } catch (error) {
      if (error instanceof StoreError) return false;
      throw error;
    }
  }

  /** True if another key than the current one sealed it. */
  isOld(bytes: Uint8Array): boolean {
    return keyIdOf(bytes) !== this.#current.id;
  }

  /** The mark of a place where a user is. */
  mark(id: string, place: string): string {
    return createHmac("sha256", this.markKey)
      .update(`${id}\0${place}`).digest("base64url").slice(0, MARK_LENGTH);
  }
}

/** The id of the fleet key that has sealed a password. */
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

/** The bytes of a password that is a base64 key, as those of 2022 are. */
function keyBytes(password: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9+/]{22,}={0,2}$/.test(password)) return undefined;
  if (password.length % 4 !== 0) return undefined;
  const bytes = Uint8Array.fromBase64(password);
  return bytes.toBase64() === password ? bytes : undefined;
}

function associated(first: number, whose: SealedFor): Uint8Array {
  const { fleet, id, version } = whose;
  const text = new TextEncoder().encode(`${fleet}\0${id}\0k\0${version}`);
  return Uint8Array.of(first, ...text);
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
