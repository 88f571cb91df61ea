/**
 * A whole proxy chain in memory: client, local, server and target on a private
 * network, with a clock that the test controls.
 *
 * @module
 */
import {
  type MemoryConnection,
  type MemoryOptions,
  type MemoryTransport,
  memoryTransport,
} from "../../src/adapters/net/memory.ts";
import { findMethod, type Method } from "../../src/crypto/method.ts";
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import {
  type LogFields,
  type Logger,
  type LogLevel,
  type Metrics,
  silentMetrics,
} from "../../src/observe.ts";
import { type RandomBytes, systemRandomBytes } from "../../src/random.ts";
import {
  type LocalOptions,
  type LocalService,
  startLocal,
} from "../../src/service/inbound/local.ts";
import {
  type ServerOptions,
  type ServerService,
  startServer,
} from "../../src/service/server/server.ts";
import type { Dependencies, Service } from "../../src/service/service.ts";
import type { Connection, Endpoint, Listener } from "../../src/transport.ts";
import { hex } from "./bytes.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeNetworkChanges } from "./fake_network_changes.ts";
import { acceptFrom, readExactly, send } from "./streams.ts";

/** The address of the server. */
export const SERVER: Endpoint = { host: "10.0.0.2", port: 8388 };
/** The address for applications. */
export const LOCAL: Endpoint = { host: "127.0.0.1", port: 1080 };
/** The address of the target. */
export const TARGET: Endpoint = { host: "10.0.0.3", port: 80 };

/** One line of the log. */
export interface LogLine {
  readonly level: LogLevel;
  readonly message: string;
  readonly fields: LogFields;
}

/** The network, clock and log of the services of a test. */
export class World {
  readonly network: MemoryTransport;
  readonly clock: FakeClock = new FakeClock();
  readonly networkChanges: FakeNetworkChanges = new FakeNetworkChanges();
  readonly lines: LogLine[] = [];
  /** Used by services that are started later. */
  metrics: Metrics = silentMetrics;
  readonly method: Method;
  readonly masterKey: Uint8Array;
  readonly #randomBytes: RandomBytes;
  readonly #services: Service[] = [];

  constructor(
    options: MemoryOptions = {},
    methodName = "chacha20-ietf-poly1305",
    randomBytes: RandomBytes = systemRandomBytes,
  ) {
    this.#randomBytes = randomBytes;
    this.network = memoryTransport(options);
    this.method = findMethod(methodName, { allowLegacy: true });
    this.masterKey = masterKeyFromPassword("password", this.method);
  }

  /** The dependencies of services. */
  get dependencies(): Dependencies {
    const logger: Logger = {
      enabled: () => true,
      log: (level, message, fields = {}) =>
        this.lines.push({ level, message, fields }),
    };
    return {
      transport: this.network,
      clock: this.clock,
      networkChanges: this.networkChanges,
      randomBytes: this.#randomBytes,
      logger,
      metrics: this.metrics,
    };
  }

  /** Starts `ss-server` on {@link SERVER}. */
  async server(options: Partial<ServerOptions> = {}): Promise<ServerService> {
    const { method, masterKey } = this;
    const service = await startServer(
      { listen: SERVER, method, masterKey, ...options },
      this.dependencies,
    );
    this.#services.push(service);
    return service;
  }

  /** Starts `ss-local` on {@link LOCAL}, with the server {@link SERVER}. */
  async local(options: Partial<LocalOptions> = {}): Promise<LocalService> {
    const { method, masterKey } = this;
    const servers = [{ endpoint: SERVER, method, masterKey }];
    const service = await startLocal(
      { listen: LOCAL, servers, ...options },
      this.dependencies,
    );
    this.#services.push(service);
    return service;
  }

  /** Listens as a target. */
  target(endpoint: Endpoint = TARGET): Promise<Listener> {
    return this.network.listen(endpoint);
  }

  /** Connects like an application, and requests {@link TARGET}. */
  async connect(request = "050100010a0000030050"): Promise<{
    client: MemoryConnection;
    reply: Uint8Array;
  }> {
    const client = await this.network.dial(LOCAL);
    await send(client, hex("050100"));
    await readExactly(client, 2);
    await send(client, hex(request));
    return { client, reply: await readExactly(client, 10) };
  }

  /** Returns the log lines that have a field with this value. */
  logged(key: string, value: string): LogLine[] {
    return this.lines.filter(({ fields }) => fields[key] === value);
  }

  /** Stops these services without grace; default: all. */
  async stop(...services: Service[]): Promise<void> {
    if (services.length === 0) services = this.#services;
    const stopping = services.map((service) => service.stop(0));
    await this.clock.advance(0);
    await Promise.all(stopping);
  }
}

/** Returns the next connection of a listener, which must exist. */
export async function accepted(listener: Listener): Promise<Connection> {
  const connection = await acceptFrom(listener);
  if (connection === undefined) throw new Error("Listener is closed");
  return connection;
}
