/**
 * What sessions of the 2022 edition are made of, besides keys.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { RandomBytes } from "../../random.ts";
import type { SaltFilter } from "../salt_filter.ts";

/** What sessions of the 2022 edition are made of. */
export interface Aead2022World {
  /** Judges and makes time stamps. */
  readonly clock: Clock;
  /** Makes salts and lengths of padding. */
  readonly randomBytes: RandomBytes;
  /** Of a server: the salts it has seen. Not set: replays are served. */
  readonly filter?: SaltFilter;
}
