/**
 * An {@link Operator} without a program, for tests of everything that shows or
 * manages a running program.
 *
 * @module
 */
import {
  type Credentials,
  type FleetNodes,
  type NewServer,
  type NewUser,
  NO_RATE,
  type Operator,
  type ReloadReport,
  type ServerStatus,
  type Status,
  type UserChange,
  type UserPage,
  type UserStatus,
} from "../../src/admin/operator.ts";
import { FIRST_PAGE, pickUsers } from "../../src/admin/user_page.ts";
import { emptyBuckets } from "../../src/dial_times.ts";
import { formatServerUri } from "../../src/codec/uri.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { pskChainFromText } from "../../src/crypto/psk.ts";
import { ConfigError, TransportError } from "../../src/errors.ts";
import type { UserLimits, UserUsage } from "../../src/users.ts";
import { NOTHING } from "./sample_status.ts";

/** Identity key of every fake server of a 2022 method with 16-byte keys. */
export const SERVER_PSK = "wMHCw8TFxsfIycrLzM3Ozw==";

/** Key of `alice`, who is in the configuration file. */
export const ALICE_PSK = "4OHi4+Tl5ufo6err7O3u7w==";

/** Key of `bob`, who was made through the API. */
export const BOB_PSK = "gIGCg4SFhoeIiYqLjI2Ojw==";

/** A key that no user has. */
export const SPARE_PSK = "EBESExQVFhcYGRobHB0eHw==";

/** Start time of every fake program, in milliseconds since 1970. */
export const STARTED_UNIX_MS = 1_700_000_000_000;

const METHOD_2022 = "2022-blake3-aes-128-gcm";

interface FakeUser {
  readonly name: string;
  origin: UserStatus["origin"];
  password: string;
  limits: UserLimits;
  disabled: boolean;
  usage: UserUsage;
}

interface FakeServer {
  readonly id: string;
  readonly method: string;
  readonly mode: string;
  readonly managed: boolean;
  readonly password: string;
  usage: UserUsage;
  readonly users: FakeUser[];
}

/** The counts that {@link FakeOperator.move} adds. */
export interface Movement {
  readonly up?: number;
  readonly down?: number;
  readonly connections?: number;
  readonly associations?: number;
  readonly hosts?: readonly string[];
  /** Number of open connections; not set for no change. */
  readonly open?: number;
}

/**
 * A server on port 8388 with a 2022 AES method, with `alice` of the
 * configuration file and `bob` of the API. Other values of {@link Status} can
 * be set with {@link FakeOperator.patch}.
 */
export class FakeOperator implements Operator {
  /** Calls that change or would change something, as `name(arguments)`. */
  readonly calls: string[] = [];
  /** The clock of the program, in milliseconds since 1970. */
  nowUnixMs: number = STARTED_UNIX_MS + 3_600_000;
  /** Values that override those of the status. */
  patch: Partial<Status> = {};
  /** The report of a reload, or its error. */
  reloadOutcome: ReloadReport | ConfigError = { changes: [], warnings: [] };
  /** The error of `addServer`, if set. */
  addServerError: ConfigError | TransportError | undefined;
  /** The nodes of a fleet; not set if there is none. */
  fleetNodes: FleetNodes | undefined;
  declare links?: NonNullable<Operator["links"]>;
  declare used?: NonNullable<Operator["used"]>;
  declare fleetTotals?: NonNullable<Operator["fleetTotals"]>;
  readonly #servers: FakeServer[] = [server("8388", METHOD_2022, SERVER_PSK)];

  constructor() {
    const { users } = this.#servers[0]!;
    users.push(user("alice", "file", ALICE_PSK));
    users.push(user("bob", "api", BOB_PSK));
  }

  /** Adds users to the configuration file of the server. */
  withUsers(names: readonly string[], id = "8388"): this {
    const { users } = this.#server(id);
    users.splice(
      0,
      users.length,
      ...names.map((name, i) => {
        const key = new Uint8Array(16).fill(i + 1);
        return user(name, "file", key.toBase64());
      }),
    );
    return this;
  }

  /** Adds a server without users to the configuration file. */
  withServer(id: string, method = "aes-256-gcm", password = "secret"): this {
    this.#servers.push(server(id, method, password));
    return this;
  }

  /** Adds to the counts of a user and of its server. */
  move(id: string, name: string, movement: Movement): void {
    const found = this.#server(id);
    found.usage = moved(found.usage, movement, this.nowUnixMs);
    const user = this.#user(id, name);
    user.usage = moved(user.usage, movement, this.nowUnixMs);
  }

  status(page: UserPage = FIRST_PAGE): Status {
    const servers = this.#servers.map(toServerStatus);
    const { totals, users } = pickUsers(
      servers.flatMap(({ id, users }) =>
        users.map((user) => ({ server: id, user }))
      ),
      page,
      this.nowUnixMs,
    );
    const sum = (key: keyof UserUsage): number =>
      servers.reduce((total, { usage }) => total + Number(usage[key]), 0);
    return {
      version: "0.0.0-test",
      runtime: "test 1.0",
      role: "server",
      startedUnixMs: STARTED_UNIX_MS,
      nowUnixMs: this.nowUnixMs,
      ready: true,
      connections: {
        open: sum("open"),
        accepted: sum("connections"),
        limit: 16_384,
      },
      associations: { open: 0, evicted: 0 },
      traffic: {
        bytesUp: sum("bytesUp"),
        bytesDown: sum("bytesDown"),
        packetsUp: sum("packetsUp"),
        packetsDown: sum("packetsDown"),
      },
      refusals: {},
      lostDatagrams: 0,
      recentRefusals: {},
      drops: {},
      routed: { tcp: {}, udp: {} },
      lookups: {},
      networkChanges: 0,
      dialMs: { count: 0, p50: 0, p90: 0, p99: 0 },
      dials: {
        ok: { counts: emptyBuckets(), sumMs: 0 },
        failed: { counts: emptyBuckets(), sumMs: 0 },
      },
      eventLoopLagMs: 0,
      residentBytes: 64 * 1_048_576,
      legacy: [],
      crypto: [{ method: METHOD_2022, provider: "noble" }],
      users: totals,
      keepsUsers: true,
      servers: servers.map((server) => ({
        ...server,
        users: users.filter((one) => one.server === server.id)
          .map(({ user }) => user),
      })),
      ...this.patch,
    };
  }

  users(id: string): UserStatus[] {
    const found = this.#servers.find((server) => server.id === id);
    return found?.users.map(toUserStatus) ?? [];
  }

  user(id: string, name: string): UserStatus | undefined {
    return this.users(id).find((user) => user.name === name);
  }

  credentials(id: string, name: string): Credentials | undefined {
    const found = this.#servers.find((server) => server.id === id);
    const password = name === "" && found?.users.length === 0
      ? found.password
      : found?.users.find((user) => user.name === name)?.password;
    if (found === undefined || password === undefined) return undefined;
    const chain = found.method.startsWith("2022-") && name !== ""
      ? `${found.password}:${password}`
      : password;
    return {
      password,
      uri: formatServerUri({
        method: found.method,
        password: chain,
        host: "server.example",
        port: Number(id),
        ...(name && { tag: name }),
      }),
    };
  }

  addUser(id: string, added: NewUser): void {
    this.calls.push(`addUser(${id}, ${added.name})`);
    const { users, method } = this.#server(id);
    if (users.some(({ name }) => name === added.name)) {
      throw wrong(`User ${added.name} already exists`);
    }
    const password = added.password ?? SPARE_PSK;
    checkPassword(method, password);
    users.push({
      ...user(added.name, "api", password),
      limits: added.limits ?? {},
      disabled: added.disabled ?? false,
    });
  }

  changeUser(id: string, name: string, change: UserChange): void {
    this.calls.push(`changeUser(${id}, ${name})`);
    const user = this.#user(id, name);
    if (change.password !== undefined) {
      checkPassword(this.#server(id).method, change.password);
      user.password = change.password;
    }
    user.limits = change.limits ?? user.limits;
    user.disabled = change.disabled ?? user.disabled;
    if (user.origin === "file") user.origin = "changed";
  }

  removeUser(id: string, name: string): void {
    this.calls.push(`removeUser(${id}, ${name})`);
    const user = this.#user(id, name);
    const { users } = this.#server(id);
    users.splice(users.indexOf(user), 1);
  }

  clearCounts(id: string, name?: string): void {
    this.calls.push(`clearCounts(${[id, name].filter(Boolean).join(", ")})`);
    if (name !== undefined) {
      this.#user(id, name).usage = NOTHING;
      return;
    }
    const found = this.#server(id);
    found.usage = NOTHING;
    for (const user of found.users) user.usage = NOTHING;
  }

  addServer({ port, password, method, mode }: NewServer): Promise<void> {
    this.calls.push(`addServer(${port})`);
    if (this.addServerError) return Promise.reject(this.addServerError);
    const id = String(port);
    const at = this.#servers.findIndex((server) => server.id === id);
    if (at >= 0 && !this.#servers[at]!.managed) {
      return Promise.reject(
        new TransportError("ERR_NET_ADDRESS_IN_USE", `Port ${id} is in use`),
      );
    }
    const added = server(id, method ?? "aes-256-gcm", password, true, mode);
    this.#servers.splice(at < 0 ? this.#servers.length : at, 1, added);
    return Promise.resolve();
  }

  removeServer(id: string): boolean {
    this.calls.push(`removeServer(${id})`);
    const at = this.#servers.findIndex((one) => one.id === id && one.managed);
    if (at >= 0) this.#servers.splice(at, 1);
    return at >= 0;
  }

  reload(dryRun: boolean): Promise<ReloadReport> {
    this.calls.push(`reload(${dryRun})`);
    return this.reloadOutcome instanceof ConfigError
      ? Promise.reject(this.reloadOutcome)
      : Promise.resolve(this.reloadOutcome);
  }

  #server(id: string): FakeServer {
    const found = this.#servers.find((server) => server.id === id);
    if (found === undefined) {
      throw new RangeError(`Server ${id} does not exist`);
    }
    return found;
  }

  #user(id: string, name: string): FakeUser {
    const found = this.#server(id).users.find((user) => user.name === name);
    if (found === undefined) {
      throw new RangeError(`User ${name} does not exist`);
    }
    return found;
  }
}

function server(
  id: string,
  method: string,
  password: string,
  managed = false,
  mode = "tcp_only",
): FakeServer {
  return { id, method, password, managed, mode, usage: NOTHING, users: [] };
}

function user(
  name: string,
  origin: "file" | "api",
  password: string,
): FakeUser {
  return {
    name,
    origin,
    password,
    limits: {},
    disabled: false,
    usage: NOTHING,
  };
}

function moved(
  usage: UserUsage,
  movement: Movement,
  lastSeenUnixMs: number,
): UserUsage {
  const { up = 0, down = 0, connections = 0, associations = 0 } = movement;
  return {
    ...usage,
    bytesUp: usage.bytesUp + up,
    bytesDown: usage.bytesDown + down,
    connections: usage.connections + connections,
    associations: usage.associations + associations,
    open: movement.open ?? usage.open,
    hosts: movement.hosts ?? usage.hosts,
    lastSeenUnixMs,
  };
}

function toServerStatus(server: FakeServer): ServerStatus {
  const { id, method, mode, managed, usage, users } = server;
  return {
    id,
    address: `0.0.0.0:${id}`,
    method,
    mode,
    managed,
    usage,
    userCount: users.length,
    users: users.map(toUserStatus),
  };
}

function toUserStatus(user: FakeUser): UserStatus {
  const { name, origin, disabled, limits, usage } = user;
  return { name, origin, disabled, limits, usage, rate: NO_RATE };
}

function checkPassword(method: string, password: string): void {
  if (method.startsWith("2022-")) {
    pskChainFromText(password, findMethod(method));
  }
}

function wrong(message: string): ConfigError {
  return new ConfigError("ERR_CONFIG_VALUE", message);
}
