/**
 * Several users on one port of AEAD 2017, which has no field for a name: each
 * key is tried on the first length chunk until one matches.
 *
 * The key that last matched for the client's address is tried first. An
 * unauthenticated client costs one key derivation and one short decryption for
 * every user, so the number of users is limited (see limits.ts, and decision
 * 0022 for the measured cost).
 *
 * Source: outline-ss-server.
 *
 * @module
 */
import type { Allocate } from "../../buffer_pool.ts";
import { concat, viewOf } from "../../bytes.ts";
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
import { putNewest } from "../../recently_used.ts";

/** One user. */
export interface User2017 {
  /**
   * The name in the log and the counters; not set for holders of the server's
   * key.
   */
  readonly name?: string;
  /** The user's own key. */
  readonly masterKey: MasterKey;
}

/** Finds the user whose key a stream was encrypted with. */
export class Users2017 {
  readonly #method: AeadMethod;
  #users: readonly User2017[] = [];
  /**
   * The user whose key last matched, by client address; the oldest entry comes
   * first.
   */
  readonly #lastUser = new Map<string, User2017>();

  /** Makes a table without users. */
  constructor(method: AeadMethod) {
    this.#method = method;
  }

  /**
   * Replaces the users; open sessions stay.
   *
   * @param users At least one, at most {@link MAX_TRIAL_USERS}.
   * @throws {RangeError} If there are too many, or none; nothing has changed
   * then.
   */
  set(users: readonly User2017[]): void {
    if (users.length === 0 || users.length > MAX_TRIAL_USERS) {
      throw new RangeError(
        `Cannot serve ${users.length} users on one port of AEAD 2017: ` +
          `expected 1 to ${MAX_TRIAL_USERS}; the 2022 methods allow any number`,
      );
    }
    this.#users = users;
    const kept = new Set(users);
    for (const [host, user] of this.#lastUser) {
      if (!kept.has(user)) this.#lastUser.delete(host);
    }
  }

  /** Bytes that {@link Users2017.find} needs: salt and length chunk. */
  get headLength(): number {
    return this.#method.saltLength + 2 + TAG_LENGTH;
  }

  /**
   * Tries the keys on the start of a stream.
   *
   * @param head The first bytes of a stream.
   * @param clientHost The client's address.
   * @throws {ProtocolError} `ERR_SS_AUTHENTICATION` if no key matches.
   */
  find(head: Uint8Array, clientHost: string | undefined): User2017 {
    const attempt = (user: User2017): true | undefined =>
      fits(user, head) || undefined;
    return this.match(attempt, clientHost, "length chunk").user;
  }

  /**
   * Tries the keys by a function.
   *
   * @param attempt Returns what a key opened; `undefined` if it does not match.
   * @param clientHost The client's address.
   * @param what The name of the unit, for the message.
   * @throws {ProtocolError} `ERR_SS_AUTHENTICATION` if no key matches.
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
      `Cannot open ${what}: no key of ${this.#users.length} users matches`,
    );
  }

  #remember(clientHost: string, user: User2017): void {
    putNewest(this.#lastUser, clientHost, user, MAX_REMEMBERED_CLIENTS);
  }
}

function fits({ masterKey }: User2017, head: Uint8Array): boolean {
  const { saltLength, nonceLength } = masterKey.method;
  const aead = masterKey.sessionAead(viewOf(head, 0, saltLength));
  try {
    const length = new Uint8Array(2);
    return aead.open(
      new Uint8Array(nonceLength),
      viewOf(head, saltLength),
      length,
    );
  } finally {
    aead.free();
  }
}

/** A server's session that finds its user first. */
export class TrialServer2017 implements ServerSession {
  readonly #users: Users2017;
  readonly #clientHost: (() => string) | undefined;
  readonly #world: ServerWorld;
  /** The start of the stream, until the user is known. */
  #head: UnitBuffer | undefined;
  #user: User2017 | undefined;
  #session: ServerSession | undefined;

  /**
   * Makes a session that waits for a request.
   *
   * @param users The users of one method; they may change.
   * @param clientHost Returns the client's address.
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
      const head = this.#head!;
      const rest = head.take(bytes);
      if (rest === undefined) return {};
      this.#user = this.#users.find(head.unit, this.#clientHost?.());
      this.#session = new Server2017(this.#user.masterKey, this.#world);
      this.#head = undefined;
      next = concat(head.unit, rest);
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
      throw new TypeError("Cannot continue: the request is not complete yet");
    }
    return this.#session;
  }
}
