/**
 * What an engine says of itself: version, and whether it keeps what it is given.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import { StoreError } from "../../errors.ts";
import type { EngineClient } from "./_engine_client.ts";
import { fieldsOf, partsOf, textOf } from "./_user_form.ts";

/** How an engine keeps its data. */
export interface EngineKeeping {
  /** The policy for a full memory: `noeviction`, say. */
  readonly evictionPolicy: string;
  /** True if it writes each change to its disk. */
  readonly appends: boolean;
  /** False if its last write to the disk failed. */
  readonly canWrite: boolean;
}

/** What is known of an engine. */
export interface EngineFacts {
  /** `valkey` or `redis`. */
  readonly product: string;
  readonly version: string;
  /** False if it is another one's replica. */
  readonly isPrimary: boolean;
  /** Its clock; milliseconds since 1970. */
  readonly unixMs: number;
  /** Milliseconds that it is ahead of this machine. */
  readonly clockOffsetMs: number;
  /** Milliseconds that it took to answer. */
  readonly answerMs: number;
  /** Not set: our user may not ask. */
  readonly keeping?: EngineKeeping;
}

/**
 * Asks an engine about itself.
 *
 * @throws {TransportError | StoreError} When it does not answer, or refuses.
 */
export async function askEngine(client: EngineClient): Promise<EngineFacts> {
  const hello = fieldsOf(await client.send("HELLO"));
  const word = (name: string): string =>
    textOf(hello.get(name) ?? new Uint8Array());
  const sentMs = systemClock.monotonicMs();
  const time = partsOf(await client.send("TIME"));
  const answerMs = systemClock.monotonicMs() - sentMs;
  const [seconds, micros] = time.map((part) => Number(textOf(part)));
  const unixMs = seconds! * 1_000 + Math.floor(micros! / 1_000);
  const keeping = await askKeeping(client);
  return {
    product: word("server"),
    version: word("version"),
    isPrimary: word("role") === "master",
    ...{ unixMs, answerMs },
    clockOffsetMs: unixMs - (systemClock.unixMs() - answerMs / 2),
    ...keeping && { keeping },
  };
}

/** @returns `undefined` where our user may not ask. */
async function askKeeping(
  client: EngineClient,
): Promise<EngineKeeping | undefined> {
  try {
    const info = textOf(await client.send("INFO"));
    const value = (name: string): string =>
      new RegExp(`^${name}:(.*?)\\r?$`, "m").exec(info)?.[1] ?? "";
    return {
      evictionPolicy: value("maxmemory_policy"),
      appends: value("aof_enabled") === "1",
      canWrite: value("aof_last_write_status") !== "err" &&
        value("rdb_last_bgsave_status") !== "err",
    };
  } catch (error) {
    if (error instanceof StoreError && /NOPERM/.test(error.message)) {
      return undefined;
    }
    throw error;
  }
}
