/**
 * Methods, keys and the interface of cipher providers. Portable: no runtime, no
 * clock, no I/O.
 *
 * @module
 */
export { type Aead, type AeadProvider, MasterKey } from "./aead.ts";
export {
  type AeadAlgorithm,
  type AeadMethod,
  findMethod,
  type FindOptions,
  type Method,
  METHODS,
} from "./method.ts";
export { STREAM_METHODS, type StreamMethod } from "./stream_methods.ts";
export type {
  KeyStream,
  KeyStreamAlgorithm,
  KeyStreamDirection,
  KeyStreamMethod,
  KeyStreamProvider,
} from "./key_stream.ts";
export { referenceKeyStreams } from "./key_streams/reference.ts";
export { KeyStreamChoice, type KeyStreamTrial } from "./key_stream_choice.ts";
export { StreamKey } from "./stream_key.ts";
export { Choice, type Trial } from "./choice.ts";
export { masterKeyFromBase64, masterKeyFromPassword } from "./master_key.ts";
export { Psk, pskChainFromText } from "./psk.ts";
export { BlockCipher } from "./block_cipher.ts";
export { NonceCounter } from "./nonce_counter.ts";
export { nobleProvider } from "./noble.ts";
export type { Family, ReplayMemoryKind, UserKind } from "./family.ts";
export { ProviderChoice, type ProviderTrial } from "./provider_choice.ts";
