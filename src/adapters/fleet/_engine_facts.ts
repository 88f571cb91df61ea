/**
 * Reads facts about an engine: its version, its clock and how it keeps its
 * data.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import { StoreError } from "../../errors.ts";
import type { EngineClient } from "./_engine_client.ts";
import { fieldsOf, partsOf, textOf } from "./_user_form.ts";

/** How an engine keeps its data. */
export interface EngineKeeping {
  /** The eviction policy when memory is full, such as `noeviction`. */
  readonly evictionPolicy: string;
  /** True if the engine appends each change to a file. */
  readonly appends: boolean;
  /** False if the engine's last write to its disk failed. */
  readonly canWrite: boolean;
}

/** The facts about an engine. */
export interface EngineFacts {
  /** `valkey` or `redis`. */
  readonly product: string;
  readonly version: string;
  /** False if the engine is a replica. */
  readonly isPrimary: boolean;
  /** The engine's clock; milliseconds since 1970. */
  readonly unixMs: number;
  /** Milliseconds that the engine's clock is ahead of this machine's. */
  readonly clockOffsetMs: number;
  /** Milliseconds that the answer took. */
  readonly answerMs: number;
  /** Not set if the engine does not let this user read it. */
  readonly keeping?: EngineKeeping;
}

/**
 * Reads the facts about an engine.
 *
 * @throws {TransportError | StoreError} When the engine does not answer, or
 * refuses.
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

/** @returns `undefined` if the engine does not let this user read it. */
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
