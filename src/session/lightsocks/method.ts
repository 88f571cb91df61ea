/**
 * lightsocks as a method; its key is its table.
 *
 * @module
 */
import { LIGHTSOCKS } from "../../crypto/family.ts";
import type { StreamMethod } from "../../crypto/stream_methods.ts";

/** The only method of the family. */
export const LIGHTSOCKS_METHOD: StreamMethod = {
  name: "lightsocks",
  family: LIGHTSOCKS,
  userKind: "none",
  algorithm: "table",
  keyLength: 256,
  ivLength: 0,
};
