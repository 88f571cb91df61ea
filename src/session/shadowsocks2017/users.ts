/**
 * Several users on one port of AEAD 2017, which has no field for a
 * name: each key is tried on the first length chunk until one fits.
 *
 * The key that fitted the client's address last is tried first. A stranger
 * costs one key derivation and one short open for every user; so their number
 * is limited (see limits.ts, and decision 0022 for the measured cost).
 *
 * Source: outline-ss-server.
 *
 * @module
 */
import type { Allocate } from "../../buffer_pool.ts";
import { concat } from "../../bytes.ts";
import { UnitBuffer } from "../../codec/unit_buffer.ts";
import type { MasterKey } from "../../crypto/aead.ts";
import type { AeadMethod } from "../../crypto/method.ts";
import { ProtocolError } from "../../errors.ts";
import {
  MAX_REMEMBERED_CLIENTS,
  MAX_TRIAL_USERS,
  TAG_LENGTH,
} from "../../limits.ts";
import type { ServerWorld } from "../family.ts";
import type { AcceptStep, ServerSession, Step } from "../stream_protocol.ts";
import { Server2017 } from "./stream.ts";

/** One user. */
export interface User2017 {
  /**
   * The name in the log and the counters; not set: a holder of the server's
   * key.
   */
  readonly name?: string;
  /** The user's own key. */
  readonly masterKey: MasterKey;
}

/** Finds whose key a stream was sealed with. */
export class Users2017 {
  readonly #method: AeadMethod;
  #users: readonly User2017[] = [];
  /**
   * The user whose key fitted last, by client address; the oldest entry is
   * first.
   */
  readonly #lastUser = new Map<string, User2017>();

  /** Starts without users. */
  constructor(method: AeadMethod) {
    this.#method = method;
  }

  /**
   * Takes these users and no others; open sessions are not touched.
   *
   * @param users At least one, at most {@link MAX_TRIAL_USERS}.
   * @throws {RangeError} When there are too many, or none; nothing has changed
   * then.
   */
  set(users: readonly User2017[]): void {
    if (users.length === 0 || users.length > MAX_TRIAL_USERS) {
      throw new RangeError(
        `Cannot serve ${users.length} users on one port of AEAD 2017: ` +
          `1 to ${MAX_TRIAL_USERS} can be told apart; the 2022 methods take any number`,
      );
    }
    this.#users = users;
    const kept = new Set(users);
    for (const [host, user] of this.#lastUser) {
      if (!kept.has(user)) this.#lastUser.delete(host);
    }
  }

  /** Bytes {@link Users2017.find} needs: salt and length chunk. */
  get headLength(): number {
    return this.#method.saltLength + 2 + TAG_LENGTH;
  }

  /**
   * Tries the keys.
   *
   * @param head The first bytes of a stream.
   * @param clientHost Where it comes from.
   * @throws {ProtocolError} `ERR_SS_AUTHENTICATION` when no key fits.
   */
  find(head: Uint8Array, clientHost: string | undefined): User2017 {
    const attempt = (user: User2017): true | undefined =>
      fits(user, head) || undefined;
    return this.match(attempt, clientHost, "length chunk").user;
  }

  /**
   * Tries the keys in another way.
   *
   * @param attempt What the key opened; `undefined` when it does not fit.
   * @param clientHost Where it comes from.
   * @param what It is, for the message.
   * @throws {ProtocolError} `ERR_SS_AUTHENTICATION` when no key fits.
   */
  match<T>(
    attempt: (user: User2017) => T | undefined,
    clientHost: string | undefined,
    what: string,
  ): { user: User2017; opened: T } {
    const last = this.#lastUser.get(clientHost ?? "");
    const opened = last && attempt(last);
    if (last !== undefined && opened !== undefined) {
      return { user: last, opened };
    }
    for (const user of this.#users) {
      if (user === last) continue;
      const opened = attempt(user);
      if (opened === undefined) continue;
      if (clientHost !== undefined) this.#remember(clientHost, user);
      return { user, opened };
    }
    throw new ProtocolError(
      "ERR_SS_AUTHENTICATION",
      `Cannot open ${what}: the key of none of ${this.#users.length} users fits`,
    );
  }

  #remember(clientHost: string, user: User2017): void {
    this.#lastUser.delete(clientHost);
    this.#lastUser.set(clientHost, user);
    if (this.#lastUser.size <= MAX_REMEMBERED_CLIENTS) return;
    const [oldest] = this.#lastUser.keys();
    this.#lastUser.delete(oldest!);
  }
}

function fits({ masterKey }: User2017, head: Uint8Array): boolean {
  const { saltLength, nonceLength } = masterKey.method;
  const aead = masterKey.sessionAead(head.subarray(0, saltLength));
  try {
    const length = new Uint8Array(2);
    return aead.open(
      new Uint8Array(nonceLength),
      head.subarray(saltLength),
      length,
    );
  } finally {
    aead.free();
  }
}

/** A session that becomes one of its user once that is known. */
export class TrialServer2017 implements ServerSession {
  readonly #users: Users2017;
  readonly #clientHost: (() => string) | undefined;
  readonly #world: ServerWorld;
  readonly #head: UnitBuffer;
  #user: User2017 | undefined;
  #session: ServerSession | undefined;

  /**
   * Waits for a request.
   *
   * @param users All of one method; they may change.
   * @param clientHost Gives the client's address.
   */
  constructor(
    users: Users2017,
    clientHost: (() => string) | undefined,
    world: ServerWorld,
  ) {
    this.#users = users;
    this.#clientHost = clientHost;
    this.#world = world;
    this.#head = new UnitBuffer(users.headLength);
  }

  accept(bytes: Uint8Array): AcceptStep {
    let next = bytes;
    if (this.#session === undefined) {
      const rest = this.#head.take(bytes);
      if (rest === undefined) return {};
      this.#user = this.#users.find(
        this.#head.unit,
        this.#clientHost?.(),
      );
      this.#session = new Server2017(this.#user.masterKey, this.#world);
      next = concat(this.#head.unit, rest);
    }
    const step = this.#session.accept(next);
    const user = this.#user?.name;
    return step.request === undefined || user === undefined
      ? step
      : { ...step, request: { ...step.request, user } };
  }

  seal(payload: Uint8Array, allocate?: Allocate): Uint8Array {
    return this.#known.seal(payload, allocate);
  }

  open(bytes: Uint8Array, allocate?: Allocate): Step {
    return this.#known.open(bytes, allocate);
  }

  end(): void {
    this.#session?.end();
  }

  free(): void {
    this.#session?.free();
  }

  get #known(): ServerSession {
    if (this.#session === undefined) {
      throw new TypeError("Cannot go on: the request is not there yet");
    }
    return this.#session;
  }
}
