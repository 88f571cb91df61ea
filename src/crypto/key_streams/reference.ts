/**
 * The reference provider of key streams: noble and plain TypeScript, available
 * in every runtime.
 *
 * @module
 */
import type {
  KeyStream,
  KeyStreamAlgorithm,
  KeyStreamDirection,
  KeyStreamMethod,
  KeyStreamProvider,
} from "../key_stream.ts";
import { AesCfb, AesCfb1, AesCfb8, AesCtr, AesOfb } from "./aes.ts";
import { type ArxAlgorithm, ArxKeyStream } from "./arx.ts";
import { Rc4, rc4Key } from "./rc4.ts";
import { Table, Unchanged } from "./table.ts";

/** Key streams of `@noble/ciphers` and of the modules in this folder. */
export const referenceKeyStreams: KeyStreamProvider = {
  name: "noble",
  version: "2.4.0",
  lacks: ({ name, algorithm }) =>
    MAKERS[algorithm] === undefined
      ? `${name} needs libcrypto: noble does not have it`
      : undefined,
  keyStream(method, key, iv, direction): KeyStream {
    const make = MAKERS[method.algorithm];
    if (make === undefined) {
      throw new RangeError(
        `Cannot make key stream: noble has no ${method.name}`,
      );
    }
    return make({ method, key, iv, direction });
  },
};

/** The parameters of a key stream. */
export interface Parts {
  readonly method: KeyStreamMethod;
  readonly key: Uint8Array;
  readonly iv: Uint8Array;
  readonly direction: KeyStreamDirection;
}

const rc4 = ({ method, key, iv }: Parts): KeyStream =>
  new Rc4(rc4Key(method, key, iv));
const arx = ({ method, key, iv }: Parts): KeyStream =>
  new ArxKeyStream(method.algorithm as ArxAlgorithm, key, iv);

const MAKERS: Readonly<
  Partial<Record<KeyStreamAlgorithm, (parts: Parts) => KeyStream>>
> = {
  "aes-cfb": ({ key, iv, direction }) => new AesCfb(key, iv, direction),
  "aes-ctr": ({ key, iv }) => new AesCtr(key, iv),
  "aes-ofb": ({ key, iv }) => new AesOfb(key, iv),
  "aes-cfb8": ({ key, iv, direction }) => new AesCfb8(key, iv, direction),
  "aes-cfb1": ({ key, iv, direction }) => new AesCfb1(key, iv, direction),
  rc4,
  "rc4-md5": rc4,
  chacha20: arx,
  "chacha20-ietf": arx,
  xchacha20: arx,
  salsa20: arx,
  xsalsa20: arx,
  table: ({ key, direction }) => new Table(key, direction),
  none: () => new Unchanged(),
};
