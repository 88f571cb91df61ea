/**
 * The format of a user in the engine: the fields of a hash, and of an entry of
 * the log.
 *
 * ```text
 * v version   k sealed password   q quota, bytes   b bytes a second
 * c connections   h places   e expiry, ms since 1970   d 1: disabled
 * ```
 *
 * @module
 */
import { StoreError } from "../../errors.ts";
import type { SharedUser } from "../../fleet.ts";
import type { RandomBytes } from "../../random.ts";
import type { UserLimits } from "../../users.ts";
import type { Argument, Reply } from "./_engine_client.ts";
import type { FleetKeys } from "./fleet_keys.ts";

/**
 * The field of each limit. The type makes the compiler report a missing limit.
 */
const LIMITS: Readonly<Record<keyof UserLimits, string>> = {
  quotaBytes: "q",
  bytesPerSecond: "b",
  maxConnections: "c",
  maxHosts: "h",
  expiresUnixMs: "e",
};

const LIMIT_KEYS = Object.keys(LIMITS) as (keyof UserLimits)[];

/** The fields that are read of a user. */
export const USER_FIELDS: readonly string[] = [
  ...["v", "k", "d"],
  ...Object.values(LIMITS),
];

/** Fields with their values. */
export type Fields = ReadonlyMap<string, Uint8Array>;

/** What is needed to seal and open passwords. */
export interface Sealing {
  readonly keys: FleetKeys;
  /** Id of the fleet. */
  readonly fleet: string;
}

/**
 * Returns the fields of a user without its version, each followed by its value.
 */
export function writeUser(
  { service, name, password, limits, disabled }: SharedUser,
  version: number,
  { keys, fleet }: Sealing,
  randomBytes: RandomBytes,
): Argument[] {
  const whose = { fleet, id: idOf(service, name), version };
  return [
    "k",
    keys.seal(password, whose, randomBytes),
    ...LIMIT_KEYS.flatMap((key) => {
      const value = limits[key];
      return value === undefined ? [] : [LIMITS[key], value];
    }),
    ...disabled ? ["d", 1] : [],
  ];
}

/**
 * Reads a user from its fields.
 *
 * @returns `undefined` if the fields contain no user.
 * @throws {StoreError} `ERR_STORE_DAMAGED` when its password cannot be opened.
 */
export function readUser(
  id: string,
  fields: Fields,
  { keys, fleet }: Sealing,
): SharedUser | undefined {
  const sealed = fields.get("k");
  const version = numberIn(fields, "v");
  if (sealed === undefined || version === undefined) return undefined;
  const limits: { -readonly [K in keyof UserLimits]: number } = {};
  for (const key of LIMIT_KEYS) {
    const value = numberIn(fields, LIMITS[key]);
    if (value !== undefined) limits[key] = value;
  }
  return {
    ...splitId(id),
    password: keys.open(sealed, { fleet, id, version }),
    limits,
    disabled: fields.has("d"),
  };
}

/** Returns the id of a user, which is unique among all services. */
export function idOf(service: string, name: string): string {
  return `${service}/${name}`;
}

/** Returns the two parts of an id. The service contains no slash. */
export function splitId(id: string): { service: string; name: string } {
  const at = id.indexOf("/");
  return { service: id.slice(0, at), name: id.slice(at + 1) };
}

/** Returns a field as a number. */
export function numberIn(fields: Fields, name: string): number | undefined {
  const value = fields.get(name);
  return value === undefined ? undefined : Number(textOf(value));
}

/** One decoder for all: making one takes longer than decoding a number. */
const UTF8 = new TextDecoder();

/** Returns a reply as text. */
export function textOf(reply: Reply | undefined): string {
  return reply instanceof Uint8Array ? UTF8.decode(reply) : String(reply);
}

/** Returns the parts of a reply that is a list; none if it is not a list. */
export function partsOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}

/**
 * Returns the fields of a list in which each field is followed by its value.
 */
export function fieldsOf(reply: Reply | undefined): Fields {
  const parts = partsOf(reply);
  const fields = new Map<string, Uint8Array>();
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const value = parts[i + 1];
    if (value instanceof Uint8Array) fields.set(textOf(parts[i]), value);
  }
  return fields;
}

const COLON = 0x3a;
const ZERO = 0x30;

/**
 * Reads the fields of users, {@link USER_FIELDS} of each in that order.
 *
 * ```text
 * field   length in decimal | ":" | bytes   or ":" if it is missing
 * ```
 *
 * @throws {StoreError} `ERR_STORE_DAMAGED` when the bytes end too early.
 */
export function* packedFields(packed: Uint8Array): Generator<Fields> {
  let at = 0;
  while (at < packed.length) {
    const fields = new Map<string, Uint8Array>();
    for (const name of USER_FIELDS) {
      const colon = packed.indexOf(COLON, at);
      let length = 0;
      for (let i = at; i < colon; i++) length = length * 10 + packed[i]! - ZERO;
      const isThere = colon > at;
      at = colon + 1 + length;
      if (colon < 0 || at > packed.length) {
        throw new StoreError("ERR_STORE_DAMAGED", "The engine's users are cut");
      }
      if (isThere) fields.set(name, packed.subarray(colon + 1, at));
    }
    yield fields;
  }
}
