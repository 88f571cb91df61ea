/**
 * The stream ciphers as methods of ShadowsocksR.
 *
 * @module
 */
import { SHADOWSOCKSR } from "../../crypto/family.ts";
import type { StreamMethod } from "../../crypto/stream_methods.ts";

/** Bytes of the key of `none`: the protocols need one. */
const NONE_KEY_LENGTH = 16;

/** A stream cipher as ShadowsocksR has it. */
export function ssrMethod(method: StreamMethod): StreamMethod {
  return {
    ...method,
    family: SHADOWSOCKSR,
    userKind: "uid",
    keyLength: method.keyLength === 0 ? NONE_KEY_LENGTH : method.keyLength,
  };
}
