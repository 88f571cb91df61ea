/**
 * The status of a sample program that never ran: users, traffic and refusals
 * that change from second to second, the same in every run.
 *
 * @module
 */
import {
  NO_RATE,
  type Status,
  type UserPage,
  type UserStatus,
} from "../../src/admin/operator.ts";
import { FIRST_PAGE, pickUsers } from "../../src/admin/user_page.ts";
import { NO_COUNTS, type UserLimits, type UserUsage } from "../../src/users.ts";

const GIB = 2 ** 30;
const DAY_MS = 86_400_000;

/** Start time of the sample in milliseconds since 1970. */
export const SAMPLE_STARTED_UNIX_MS = 1_795_000_000_000;

const NAMES =
  "alice bruno chloe deniz elif farid greta hugo ines jonas karim " +
  "lena mateo nora omar petra quentin rosa samir tomas ulla viktor wanda " +
  "xenia yusuf zoe";

/** Options of a sample. */
export interface SampleOptions {
  /** Number of users. */
  readonly users: number;
  /** True if there is traffic; default true. */
  readonly busy?: boolean;
}

/** The sample program. */
export class SampleProgram {
  #second = 0;
  #seed = 7;
  readonly #busy: boolean;
  readonly #users: UserStatus[];
  #traffic = { up: 41 * GIB, down: 690 * GIB };
  #refusals: Record<string, number> = {};

  constructor({ users, busy = true }: SampleOptions) {
    this.#busy = busy;
    const names = NAMES.split(" ");
    this.#users = Array.from({ length: users }, (_, i) => {
      const round = Math.floor(i / names.length);
      const name = names[i % names.length]! + (round === 0 ? "" : round + 1);
      return this.#newUser(name, i);
    });
    if (!busy) return;
    this.#refusals = {
      ERR_SS_AUTHENTICATION: 1_832,
      ERR_NET_TIMEOUT: 214,
      ERR_NET_REFUSED: 187,
      ERR_NET_NAME_NOT_FOUND: 96,
      ERR_SS_TIMESTAMP: 41,
      ERR_SS_REPLAY: 12,
      ERR_POLICY_USER_QUOTA: 9,
      ERR_POLICY_TARGET: 3,
    };
  }

  /** Advances the sample by a second. */
  tick(): void {
    this.#second++;
    if (!this.#busy) return;
    const wave = 1 + 0.5 * Math.sin(this.#second / 13) +
      0.35 * Math.sin(this.#second / 4.7);
    this.#users.forEach((user, i) => {
      if (user.usage.open === 0) return;
      const weight = 1 / (1 + i % 9) ** 1.4;
      const down = Math.floor(
        3_200_000 * weight * wave * (0.4 + this.#random()),
      );
      this.#users[i] = {
        ...user,
        usage: moved(user.usage, down, this.#now()),
        rate: { up: Math.floor(down / 9), down },
      };
      this.#traffic.down += down;
      this.#traffic.up += Math.floor(down / 9);
    });
    this.#refuse("ERR_SS_AUTHENTICATION", 0.2);
    this.#refuse("ERR_NET_REFUSED", 0.08);
    this.#refuse("ERR_NET_TIMEOUT", 0.04);
  }

  /** The answer to `GET /api/status`. */
  status(page: UserPage = { ...FIRST_PAGE, limit: Infinity }): Status {
    const users = this.#users;
    const picked = pickUsers(
      users.map((user) => ({ server: "8388", user })),
      page,
      this.#now(),
    );
    const open = users.reduce((sum, { usage }) => sum + usage.open, 0);
    const { up, down } = this.#busy ? this.#traffic : { up: 0, down: 0 };
    const noise = this.#busy ? this.#random() : 0;
    return {
      version: "0.2.0",
      runtime: "bun 1.4.5",
      role: "server",
      startedUnixMs: SAMPLE_STARTED_UNIX_MS,
      nowUnixMs: this.#now(),
      ready: true,
      connections: {
        open: open + Math.floor(noise * 4),
        accepted: this.#busy ? 381_224 + this.#second : 0,
        limit: 16_384,
      },
      associations: { open: this.#busy ? 23 : 0, evicted: 0 },
      traffic: {
        bytesUp: up,
        bytesDown: down,
        packetsUp: this.#busy ? 1_204_551 : 0,
        packetsDown: this.#busy ? 3_881_904 : 0,
      },
      refusals: { ...this.#refusals },
      lostDatagrams: 0,
      recentRefusals: this.#busy
        ? { ERR_SS_AUTHENTICATION: 12, ERR_NET_REFUSED: 5 }
        : {},
      drops: {},
      routed: { tcp: {}, udp: {} },
      lookups: {},
      networkChanges: 0,
      dialMs: this.#busy
        ? { count: 212, p50: 18 + noise * 6, p90: 74 + noise * 30, p99: 412 }
        : { count: 0, p50: 0, p90: 0, p99: 0 },
      dials: { ok: NO_DIALS, failed: NO_DIALS },
      eventLoopLagMs: 0.4 + noise * noise * 9,
      residentBytes: (61 + noise * 3) * 1_048_576,
      descriptors: { open: 40 + open * 2, limit: 65_536 },
      legacy: [],
      crypto: [{
        method: "2022-blake3-aes-256-gcm",
        provider: "openssl 3.0.17",
      }],
      ...(this.#busy && { clockSkewSeconds: 0.8 }),
      users: picked.totals,
      keepsUsers: true,
      servers: [{
        id: "8388",
        address: "0.0.0.0:8388",
        method: "2022-blake3-aes-256-gcm",
        mode: "tcp_and_udp",
        managed: false,
        usage: { ...NOTHING, bytesUp: up, bytesDown: down, open },
        userCount: users.length,
        users: picked.users.map(({ user }) => user),
      }],
    };
  }

  /** Adds, changes or, without `user`, removes a user. */
  put(name: string, user?: UserStatus): void {
    const at = this.#users.findIndex((one) => one.name === name);
    const place = at < 0 ? this.#users.length : at;
    this.#users.splice(place, 1, ...user === undefined ? [] : [user]);
  }

  #now(): number {
    const uptimeMs = this.#busy ? 3.2 * DAY_MS : 95_000;
    return SAMPLE_STARTED_UNIX_MS + uptimeMs + this.#second * 1_000;
  }

  #newUser(name: string, i: number): UserStatus {
    const weight = 1 / (1 + i % 9) ** 1.4;
    const seen = this.#busy && i % 11 !== 10;
    const down = seen
      ? Math.floor(
        i % 9 === 4 ? 3.7 * GIB : 38 * GIB * weight * (1 + (i * 5) % 7 / 4),
      )
      : 0;
    const quota: UserLimits = i % 3 === 1
      ? { quotaBytes: i % 9 === 4 ? 4 * GIB : 50 * GIB }
      : {};
    const end: UserLimits = i % 5 === 2
      ? { expiresUnixMs: this.#now() + (i % 10 === 7 ? -2 : 9 + i) * DAY_MS }
      : {};
    const ended = i % 9 === 4 || i % 10 === 7 || i % 13 === 12;
    const open = seen && !ended && i % 4 < 2 ? 1 + (i * 7) % 13 : 0;
    return {
      name,
      origin: i < 2 ? "file" : "api",
      rate: NO_RATE,
      disabled: i % 13 === 12,
      limits: { ...quota, ...end, ...i % 6 === 3 && { maxHosts: 3 } },
      usage: {
        ...NOTHING,
        bytesDown: down,
        bytesUp: Math.floor(down / 9),
        connections: seen ? 40 + i * 31 : 0,
        open,
        hosts: open === 0 ? [] : [`203.0.113.${i + 1}`, "2001:db8::7"],
        lastSeenUnixMs: seen ? this.#now() - i * i * 61_000 : 0,
      },
    };
  }

  #refuse(code: string, chance: number): void {
    if (this.#random() < chance) {
      this.#refusals[code] = (this.#refusals[code] ?? 0) + 1;
    }
  }

  /** Returns 0 to 1, with the generator of the C standard. */
  #random(): number {
    this.#seed = (this.#seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return this.#seed / 2 ** 31;
  }
}

const NO_DIALS = { counts: [], sumMs: 0 };

/** The counts of a user without traffic. */
export const NOTHING: UserUsage = {
  ...NO_COUNTS,
  open: 0,
  hosts: [],
};

function moved(usage: UserUsage, down: number, nowUnixMs: number): UserUsage {
  return {
    ...usage,
    bytesDown: usage.bytesDown + down,
    bytesUp: usage.bytesUp + Math.floor(down / 9),
    lastSeenUnixMs: nowUnixMs,
  };
}
