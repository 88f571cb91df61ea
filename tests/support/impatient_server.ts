/**
 * A process with servers that have a short deadline, for tests that cannot wait
 * a minute. Prints their addresses and, at SIGTERM, their refusals by code.
 *
 * Usage: `impatient_server.ts JSON`, see {@link ImpatientOptions}.
 *
 * @module
 */
import { join } from "node:path";
import process from "node:process";
import { pathToFileURL } from "node:url";
import { systemClock } from "../../src/clock.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { silentMetrics } from "../../src/observe.ts";
import { Strangers } from "./strangers.ts";

/** The servers to run. */
export interface ImpatientOptions {
  /** Folder of the program's sources, original or changed. */
  readonly source: string;
  /** The deadline, instead of a minute. */
  readonly handshakeTimeoutMs: number;
  /** The servers, in the order of the output. */
  readonly servers: readonly {
    readonly host: string;
    readonly method: string;
    readonly withUsers: boolean;
    readonly maxConnections?: number;
  }[];
}

if (import.meta.main) await main(JSON.parse(process.argv[2]!));

async function main(
  { source, handshakeTimeoutMs, servers }: ImpatientOptions,
): Promise<void> {
  const load = (file: string): Promise<unknown> =>
    import(pathToFileURL(join(source, file)).href);
  const { startServer } = await load(
    "service/server/server.ts",
  ) as typeof import("../../src/service/server/server.ts");
  const { systemTransport } = await load(
    "adapters/net/system.ts",
  ) as typeof import("../../src/adapters/net/system.ts");
  const refusals: Record<string, number> = {};
  for (const { host, method, withUsers, ...limits } of servers) {
    const keys = new Strangers(findMethod(method), systemClock, withUsers);
    const { address } = await startServer({
      listen: { host, port: 0 },
      ...keys.serverKeys,
      handshakeTimeoutMs,
      ...limits,
    }, {
      transport: systemTransport(),
      metrics: {
        ...silentMetrics,
        connectionRefused: (code) => refusals[code] = (refusals[code] ?? 0) + 1,
      },
    });
    process.stdout.write(`listening ${JSON.stringify(address)}\n`);
  }
  process.stdout.write("ready\n");
  process.once("SIGTERM", () => {
    process.stdout.write(`refused ${JSON.stringify(refusals)}\n`);
    process.exit(0);
  });
}
