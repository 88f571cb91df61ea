/**
 * Methods, keys and the seam for whoever computes the ciphers. Portable: no
 * runtime, no clock, no I/O.
 *
 * @module
 */
export { type Aead, type AeadProvider, MasterKey } from "./aead.ts";
export {
  type AeadAlgorithm,
  findMethod,
  type Method,
  METHODS,
  type UserKind,
} from "./method.ts";
export { masterKeyFromBase64, masterKeyFromPassword } from "./master_key.ts";
export { Psk, pskChainFromText } from "./psk.ts";
export { BlockCipher } from "./block_cipher.ts";
export { NonceCounter } from "./nonce_counter.ts";
export { nobleProvider } from "./noble.ts";
export type { Family, ReplayMemoryKind } from "./family.ts";
export { ProviderChoice, type ProviderTrial } from "./provider_choice.ts";
