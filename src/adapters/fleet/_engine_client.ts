/**
 * Commands of Valkey and Redis, by `ioredis`: the one file that knows the
 * library. It is loaded when a client is opened, and not before.
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

/** Where an engine is, and who we are to it. */
export interface EngineAddress {
  /** As it is shown. */
  readonly shown: string;
  /** Name or IP address; not set: `path` is. */
  readonly host?: string;
  readonly port?: number;
  /** A unix socket. */
  readonly path?: string;
  /** Sentinels that know where it is, in the place of the host. */
  readonly sentinels?: readonly {
    readonly host: string;
    readonly port: number;
  }[];
  /** The name that the sentinels know it by. */
  readonly primary?: string;
  /** Default: that of the engine. */
  readonly username?: string;
  /** Never logged. Default: none. */
  readonly password?: string;
  /** Set: TLS, with these authorities; default: those of the system. */
  readonly tls?: { readonly ca?: string };
}

/** Part of a command. */
export type Argument = string | number | Uint8Array;

/** What the engine says. */
export type Reply = Uint8Array | number | null | readonly Reply[];

/** A program that the engine runs as one step. */
export interface Script {
  readonly text: string;
  /** The number of arguments that are keys. */
  readonly keys: number;
}

/** One connection to an engine, made again when it breaks. */
export interface EngineClient {
  /** @throws {TransportError | StoreError} When it did not answer, or refused. */
  send(...command: Argument[]): Promise<Reply>;
  /**
   * Sends commands in one message.
   *
   * @throws {TransportError | StoreError} When one did not succeed.
   */
  all(commands: readonly (readonly Argument[])[]): Promise<Reply[]>;
  /** Runs a script once for each list of keys and arguments, in one message. */
  run(
    script: Script,
    calls: readonly (readonly Argument[])[],
  ): Promise<Reply[]>;
  /** Rejects what is waited for. */
  close(): void;
}

/**
 * Connects.
 *
 * @param callMs Milliseconds that one command may take.
 * @throws {TransportError | StoreError} When it cannot.
 */
export async function openEngine(
  address: EngineAddress,
  callMs: number = FLEET_CALL_MS,
): Promise<EngineClient> {
  const { Redis } = await import("ioredis");
  const redis = new Redis({
    ...optionsOf(address),
    commandTimeout: callMs,
    // Where packets vanished, the system tries again later and later.
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
    // Where a name is, the certificate is for the name.
    ...host !== undefined && { servername: host },
  };
  return {
    lazyConnect: true,
    connectTimeout: FLEET_CALL_MS,
    // INFO is not for the user of a node.
    enableReadyCheck: false,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    retryStrategy: (times) => Math.min(50 * times, 1_000),
    // A primary that became a replica.
    reconnectOnError: ({ message }) => message.startsWith("READONLY"),
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
  /** The reason why the connection broke; calls do not see it. */
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
    const known = calls.map((call) => ["EVALSHA", shaOf(text), keys, ...call]);
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
    // None has run: a script is there for all of them, or for none.
    return await this.all(calls.map((call) => ["EVAL", text, keys, ...call]));
  }

  close(): void {
    this.#isClosed = true;
    this.#redis.disconnect();
  }

  /** The connection broke, for this reason, or is there again. */
  note(error: unknown): void {
    this.#cause = error;
  }

  /** An error of the library or of the engine as one of ours. */
  explain(thrown: unknown): TransportError | StoreError {
    const isReply = (thrown as Error).name === "ReplyError";
    const isLate = (thrown as Error).message === "Command timed out";
    const error = isReply || isLate ? thrown : this.#cause ?? thrown;
    const { message, code } = error as Error & { code?: unknown };
    const prefix = `The fleet's engine ${this.#shown}`;
    if (this.#isClosed) {
      return new TransportError("ERR_NET_CLOSED", `${prefix} is closed`);
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

/** What an engine says while another one takes its place. */
const PASSING = /^(?:LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN)/;

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

/** Of the scripts of this program, which are few. */
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
