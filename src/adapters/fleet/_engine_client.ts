/**
 * Sends commands to Valkey and Redis with `ioredis`. No other file uses the
 * library, which is loaded when the first client is opened.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Redis, RedisOptions } from "ioredis";
import {
  StoreError,
  TransportError,
  type TransportErrorCode,
} from "../../errors.ts";
import { FLEET_CALL_MS } from "../../limits.ts";

/** The address of an engine, and the credentials for it. */
export interface EngineAddress {
  /** The address as messages show it, without a secret. */
  readonly shown: string;
  /** Name or IP address; not set if `path` or `sentinels` is. */
  readonly host?: string;
  readonly port?: number;
  /** Path of a unix socket. */
  readonly path?: string;
  /**
   * Sentinels that are asked for the address of the engine, instead of a host.
   */
  readonly sentinels?: readonly {
    readonly host: string;
    readonly port: number;
  }[];
  /** The name of the engine in the sentinels. */
  readonly primary?: string;
  /** User name. Default: the default user of the engine. */
  readonly username?: string;
  /** Password. Never logged. Default: none. */
  readonly password?: string;
  /**
   * Uses TLS, if set. `ca`: PEM certificates of the trusted authorities;
   * default: those of the system.
   */
  readonly tls?: { readonly ca?: string };
}

/** One argument of a command. */
export type Argument = string | number | Uint8Array;

/** A reply of the engine. */
export type Reply = Uint8Array | number | null | readonly Reply[];

/** A Lua script, which the engine runs atomically. */
export interface Script {
  readonly text: string;
  /** The number of arguments that are keys, from the first one. */
  readonly keys: number | "all";
}

/** A connection to an engine. It reconnects when the connection breaks. */
export interface EngineClient {
  /**
   * @throws {TransportError | StoreError} When the engine did not answer, or
   * refused.
   */
  send(...command: Argument[]): Promise<Reply>;
  /**
   * Sends several commands at once.
   *
   * @throws {TransportError | StoreError} When a command failed.
   */
  all(commands: readonly (readonly Argument[])[]): Promise<Reply[]>;
  /**
   * Runs a script once for each list of keys and arguments. All runs are sent
   * at once.
   */
  run(
    script: Script,
    calls: readonly (readonly Argument[])[],
  ): Promise<Reply[]>;
  /** Closes the connection and rejects pending calls. */
  close(): void;
}

/**
 * Connects to an engine.
 *
 * @param callMs Time limit of one command in milliseconds.
 * @throws {TransportError | StoreError} When the engine does not answer, or
 * refuses.
 */
export async function openEngine(
  address: EngineAddress,
  callMs: number = FLEET_CALL_MS,
): Promise<EngineClient> {
  const { Redis } = await import("ioredis");
  const redis = new Redis({
    ...optionsOf(address),
    commandTimeout: callMs,
    // After lost packets, TCP waits longer before each retransmission. A new
    // connection is faster.
    socketTimeout: callMs + FLEET_CALL_MS,
    protocol: 2,
    replyMapping: "legacy",
  });
  const client = new IoredisClient(redis, address.shown);
  redis.on("error", (error) => client.note(error));
  redis.on("ready", () => client.note(undefined));
  try {
    await redis.connect();
    return client;
  } catch (error) {
    const explained = client.explain(error);
    client.close();
    throw explained;
  }
}

function optionsOf(address: EngineAddress): RedisOptions {
  const { host, port, path, sentinels, primary, username, password, tls } =
    address;
  const secured = tls && {
    ...tls,
    // The certificate must be valid for this name.
    ...host !== undefined && { servername: host },
  };
  return {
    lazyConnect: true,
    connectTimeout: FLEET_CALL_MS,
    // The ready check needs INFO, which the user of a node may not call.
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    retryStrategy: (times) => Math.min(50 * times, 1_000),
    // An engine that has become a replica refuses writes.
    reconnectOnError: ({ message }) => replyOf(message).startsWith("READONLY "),
    ...host !== undefined && { host },
    ...port !== undefined && { port },
    ...path !== undefined && { path },
    ...sentinels && { sentinels: [...sentinels] },
    ...primary !== undefined && { name: primary },
    ...username !== undefined && { username },
    ...password !== undefined && { password },
    ...secured && { tls: secured },
  };
}

class IoredisClient implements EngineClient {
  readonly #redis: Redis;
  readonly #shown: string;
  #isClosed = false;
  /**
   * The reason why the connection broke. The errors of calls do not contain it.
   */
  #cause: unknown;

  constructor(redis: Redis, shown: string) {
    this.#redis = redis;
    this.#shown = shown;
  }

  async send(...command: Argument[]): Promise<Reply> {
    const [name = "", ...rest] = command.map(toArgument);
    try {
      return await this.#redis.callBuffer(String(name), rest) as Reply;
    } catch (error) {
      throw this.explain(error);
    }
  }

  async all(commands: readonly (readonly Argument[])[]): Promise<Reply[]> {
    const replies = await this.#send(commands);
    return replies.map(([error, reply]) => {
      if (error !== null) throw this.explain(error);
      return reply;
    });
  }

  async run(
    script: Script,
    calls: readonly (readonly Argument[])[],
  ): Promise<Reply[]> {
    const { text, keys } = script;
    const numbered = calls.map((call) => [
      keys === "all" ? call.length : keys,
      ...call,
    ]);
    const known = numbered.map((call) => ["EVALSHA", shaOf(text), ...call]);
    const replies = await this.#send(known);
    const isNew = replies.some(([error]) =>
      error?.message.startsWith("NOSCRIPT")
    );
    if (!isNew) {
      return replies.map(([error, reply]) => {
        if (error !== null) throw this.explain(error);
        return reply;
      });
    }
    // No call has run: the engine has the script for all calls or for none.
    return await this.all(numbered.map((call) => ["EVAL", text, ...call]));
  }

  close(): void {
    this.#isClosed = true;
    this.#redis.disconnect();
  }

  /**
   * Stores the reason why the connection broke; `undefined` when it is
   * restored.
   */
  note(error: unknown): void {
    this.#cause = error;
  }

  /** Converts an error of the library or of the engine. */
  explain(thrown: unknown): TransportError | StoreError {
    const isReply = (thrown as Error).name === "ReplyError";
    const isLate = (thrown as Error).message === "Command timed out";
    const error = isReply || isLate ? thrown : this.#cause ?? thrown;
    const { code } = error as Error & { code?: unknown };
    const message = replyOf((error as Error).message);
    const prefix = `The fleet's engine ${this.#shown}`;
    if (this.#isClosed) {
      return new TransportError("ERR_NET_CLOSED", `${prefix} is closed`);
    }
    if (isReply && OF_A_CLUSTER.test(message)) {
      return new StoreError(
        "ERR_STORE_OTHER",
        `${prefix} is part of a cluster, in which a fleet cannot be: give an ` +
          "engine that has all keys, with sentinels if it has replicas " +
          `(${message})`,
        { cause: error },
      );
    }
    if (isReply && !PASSING.test(message)) {
      return new StoreError(
        message.startsWith("OOM") ? "ERR_STORE_FULL" : "ERR_STORE_OTHER",
        `${prefix} refused: ${message}`,
        { cause: error },
      );
    }
    return new TransportError(
      CODES.get(code) ?? "ERR_NET_TIMEOUT",
      `${prefix} did not answer: ${message || String(code)}`,
      { cause: error },
    );
  }

  async #send(
    commands: readonly (readonly Argument[])[],
  ): Promise<[error: Error | null, reply: Reply][]> {
    if (commands.length === 0) return [];
    const pipeline = this.#redis.pipeline();
    for (const command of commands) {
      const [name = "", ...rest] = command.map(toArgument);
      pipeline.callBuffer(String(name), rest);
    }
    try {
      return await pipeline.exec() as [Error | null, Reply][];
    } catch (error) {
      throw this.explain(error);
    }
  }
}

/**
 * Returns the reply to a command. Before Redis 7 the reply to a command of a
 * script is at the end of a longer one.
 */
function replyOf(message: string): string {
  return /^ERR Error running script .*?: -(.*)$/s.exec(message)?.[1] ?? message;
}

/**
 * Replies of an engine that starts or takes part in a failover. They count as
 * no answer.
 */
const PASSING = /^(?:LOADING|MASTERDOWN|READONLY)/;

/**
 * Replies of an engine that has only some of the keys. Scripts use keys of a
 * user and of the whole fleet in one step.
 */
const OF_A_CLUSTER = /^(?:MOVED|ASK|CROSSSLOT|CLUSTERDOWN|TRYAGAIN) /;

const CODES: ReadonlyMap<unknown, TransportErrorCode> = new Map([
  ["ECONNREFUSED", "ERR_NET_REFUSED"],
  ["ECONNRESET", "ERR_NET_RESET"],
  ["EPIPE", "ERR_NET_RESET"],
  ["ENOENT", "ERR_NET_REFUSED"],
  ["ENOTFOUND", "ERR_NET_NAME_NOT_FOUND"],
  ["EHOSTUNREACH", "ERR_NET_HOST_UNREACHABLE"],
  ["ENETUNREACH", "ERR_NET_UNREACHABLE"],
]);

const SHAS = new Map<string, string>();

/**
 * Returns the SHA-1 of a script. The cache is bounded by the number of scripts.
 */
function shaOf(text: string): string {
  const known = SHAS.get(text);
  if (known !== undefined) return known;
  const sha = createHash("sha1").update(text).digest("hex");
  SHAS.set(text, sha);
  return sha;
}

function toArgument(argument: Argument): string | Buffer {
  return argument instanceof Uint8Array
    ? Buffer.from(argument.buffer, argument.byteOffset, argument.length)
    : String(argument);
}
