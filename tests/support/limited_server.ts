/**
 * A process with one server and its users. Prints its address and, at SIGTERM,
 * the traffic of each user.
 *
 * Usage: `limited_server.ts JSON`, see {@link LimitedOptions}.
 *
 * @module
 */
import process from "node:process";
import { systemProviders } from "../../src/adapters/crypto/providers.ts";
import { systemTransport } from "../../src/adapters/net/system.ts";
import { systemClock } from "../../src/clock.ts";
import { findMethod } from "../../src/crypto/method.ts";
import {
  ProviderChoice,
  tryProviders,
} from "../../src/crypto/provider_choice.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { Accounts } from "../../src/service/server/accounts.ts";
import { startServer } from "../../src/service/server/server.ts";
import type { UserLimits } from "../../src/users.ts";

/**
 * The server to run. A key is one byte, repeated to the length of the method.
 */
export interface LimitedOptions {
  readonly method: string;
  /** The byte of the identity key. */
  readonly identity: number;
  readonly users: readonly {
    readonly name: string;
    readonly key: number;
    readonly limits?: UserLimits;
  }[];
}

if (import.meta.main) await main(JSON.parse(process.argv[2]!));

async function main({ identity, ...options }: LimitedOptions): Promise<void> {
  const method = findMethod(options.method);
  const key = (byte: number): Uint8Array =>
    new Uint8Array(method.keyLength).fill(byte);
  const users = options.users.map((user) => ({
    ...user,
    masterKey: key(user.key),
  }));
  const accounts = new Accounts(users, systemClock);
  const providers = systemProviders().flatMap((one) =>
    "provider" in one ? [one.provider] : []
  );
  const { address } = await startServer({
    listen: { host: "127.0.0.1", port: 0 },
    method,
    masterKey: key(identity),
    users,
    accounts,
  }, {
    transport: systemTransport(),
    aeadProvider: new ProviderChoice(
      tryProviders(providers, [method], {
        clock: systemClock,
        randomBytes: systemRandomBytes,
      }),
    ),
  });
  process.stdout.write(`listening ${JSON.stringify(address)}\n`);
  process.once("SIGTERM", () => {
    const usage = Object.fromEntries(
      [...accounts.users].map(({ name }) => [name, accounts.usage(name)]),
    );
    process.stdout.write(`usage ${JSON.stringify(usage)}\n`);
    process.exit(0);
  });
}
