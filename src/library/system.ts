/**
 * What the functions of the library run on, where the caller gives nothing else:
 * the sockets of this runtime and the fastest ciphers that prove themselves.
 *
 * @module
 */
import { chooseProviders } from "../adapters/crypto/providers.ts";
import { secureStream } from "../adapters/net/secure_stream.ts";
import { systemTransport } from "../adapters/net/system.ts";
import { type Method, METHODS } from "../crypto/method.ts";
import type { Dependencies } from "../service/service.ts";

/**
 * The parts that a caller may replace; the defaults are those of this system.
 */
export type SystemDependencies = Partial<Dependencies>;

/**
 * Fills in what is missing.
 *
 * @param methods Those that will be used, to try the ciphers with.
 */
export function onThisSystem(
  given: SystemDependencies,
  methods: readonly Method[] = METHODS,
): Dependencies {
  const { aeadProvider, keyStreamProvider } = given;
  return {
    ...(!aeadProvider || !keyStreamProvider) && chooseProviders(methods),
    secure: secureStream,
    ...given,
    transport: given.transport ?? systemTransport(),
  };
}
