/**
 * The default dependencies of the library: the sockets of this runtime, and the
 * fastest ciphers that pass their self-test.
 *
 * @module
 */
import { chooseProviders } from "../adapters/crypto/providers.ts";
import { secureStream } from "../adapters/net/secure_stream.ts";
import { systemTransport } from "../adapters/net/system.ts";
import { type Method, METHODS } from "../crypto/method.ts";
import type { Dependencies } from "../service/service.ts";

/**
 * The dependencies that a caller may replace; the defaults are those of this
 * system.
 */
export type SystemDependencies = Partial<Dependencies>;

/**
 * Completes the dependencies.
 *
 * @param methods The methods in use, whose ciphers are tested.
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
