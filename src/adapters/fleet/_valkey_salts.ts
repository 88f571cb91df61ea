/**
 * The salts of a domain in the engine: a stream of messages, which each node
 * reads from its last position, and a key for each claimed salt.
 *
 * @module
 */
import type { SaltExchange, ToldSalts } from "../../fleet.ts";
import {
  FLEET_WATCH_MS,
  SALT_MARK_LENGTH,
  SALT_POOL_MS,
  SALT_READ_BATCH,
} from "../../limits.ts";
import type { EngineClient, Reply } from "./_engine_client.ts";
import type { FleetNames } from "./_fleet_names.ts";
import { TELL } from "./_scripts.ts";
import { fieldsOf, partsOf, textOf } from "./_user_form.ts";

/** The node that exchanges salts, and its connections to the engine. */
export interface ValkeySaltsOptions {
  readonly names: FleetNames;
  readonly domain: string;
  /** Name of the node, which skips its own messages. */
  readonly node: string;
  /** The connection for calls whose answers are waited for. */
  readonly calls: EngineClient;
  /** The connection that blocks until a message arrives. */
  readonly waiting: EngineClient;
}

/** Exchanges one node's salts with its domain. */
export class ValkeySalts implements SaltExchange {
  readonly #options: ValkeySaltsOptions;
  readonly #key: string;

  constructor(options: ValkeySaltsOptions) {
    this.#options = options;
    this.#key = options.names.salts(options.domain);
  }

  async tell(parts: readonly Uint8Array[]): Promise<void> {
    const { calls, node } = this.#options;
    await calls.run(TELL, parts.map((part) => [this.#key, node, part]));
  }

  async told(position?: string): Promise<ToldSalts> {
    if (position === undefined) return await this.#past();
    const read = await this.#options.waiting.send(
      ...["XREAD", "COUNT", SALT_READ_BATCH, "BLOCK", FLEET_WATCH_MS],
      ...["STREAMS", this.#key, position],
    );
    const entries = partsOf(partsOf(partsOf(read)[0])[1]);
    return {
      parts: this.#partsOf(entries),
      position: idOf(entries.at(-1)) ?? position,
    };
  }

  async claim(salt: Uint8Array): Promise<boolean> {
    const { calls, names, domain } = this.#options;
    const mark = new Uint8Array(SALT_MARK_LENGTH);
    mark.set(salt.subarray(0, SALT_MARK_LENGTH));
    const text = mark.toBase64({ alphabet: "base64url", omitPadding: true });
    const reply = await calls.send(
      ...["SET", names.claim(domain, text), 1, "NX", "PX", SALT_POOL_MS],
    );
    return reply !== null;
  }

  /**
   * Reads the recent salts in batches, so that the engine can serve other
   * clients in between.
   */
  async #past(): Promise<ToldSalts> {
    const { waiting } = this.#options;
    const [seconds] = partsOf(await waiting.send("TIME")).map((part) =>
      Number(textOf(part))
    );
    let position = `${seconds! * 1_000 - SALT_POOL_MS}-0`;
    const parts: Uint8Array[] = [];
    for (;;) {
      const entries = partsOf(
        await waiting.send(
          ...["XRANGE", this.#key, `(${position}`, "+"],
          ...["COUNT", SALT_READ_BATCH],
        ),
      );
      parts.push(...this.#partsOf(entries));
      position = idOf(entries.at(-1)) ?? position;
      if (entries.length < SALT_READ_BATCH) return { parts, position };
    }
  }

  #partsOf(entries: readonly Reply[]): Uint8Array[] {
    return entries.flatMap((entry) => {
      const fields = fieldsOf(partsOf(entry)[1]);
      const salts = fields.get("s");
      const isOwn = textOf(fields.get("n")) === this.#options.node;
      return salts === undefined || isOwn ? [] : [salts];
    });
  }
}

function idOf(entry: Reply | undefined): string | undefined {
  const [id] = partsOf(entry);
  return id instanceof Uint8Array ? textOf(id) : undefined;
}
