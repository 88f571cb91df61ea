/**
 * The stream ciphers as methods of ShadowsocksR.
 *
 * @module
 */
import { SHADOWSOCKSR } from "../../crypto/family.ts";
import {
  STREAM_METHODS,
  type StreamMethod,
} from "../../crypto/stream_methods.ts";

/** Bytes of the key of `none`, which the protocols need. */
const NONE_KEY_LENGTH = 16;

/**
 * Returns a stream cipher as a method of ShadowsocksR; the same object for each
 * name.
 */
export function ssrMethod({ name }: StreamMethod): StreamMethod {
  const method = SSR_METHODS.get(name);
  if (method !== undefined) return method;
  throw new RangeError(`ShadowsocksR has no method ${name}`);
}

const SSR_METHODS: ReadonlyMap<string, StreamMethod> = new Map(
  STREAM_METHODS.map((method) => [method.name, {
    ...method,
    family: SHADOWSOCKSR,
    userKind: "uid",
    keyLength: method.keyLength === 0 ? NONE_KEY_LENGTH : method.keyLength,
  }]),
);
