/**
 * A user as the engine has it: fields of a hash, and of an entry of the log.
 *
 * ```text
 * v version   k sealed password   q quota, bytes   b bytes a second
 * c connections   h places   e expiry, ms since 1970   d 1: disabled
 * ```
 *
 * @module
 */
import type { SharedUser } from "../../fleet.ts";
import type { RandomBytes } from "../../random.ts";
import type { UserLimits } from "../../users.ts";
import type { Argument, Reply } from "./_engine_client.ts";
import type { FleetKeys } from "./fleet_keys.ts";

/** Field of each limit; the compiler misses one that is forgotten. */
const LIMITS: Readonly<Record<keyof UserLimits, string>> = {
  quotaBytes: "q",
  bytesPerSecond: "b",
  maxConnections: "c",
  maxHosts: "h",
  expiresUnixMs: "e",
};

const LIMIT_KEYS = Object.keys(LIMITS) as (keyof UserLimits)[];

/** What is read of a user. */
export const USER_FIELDS: readonly string[] = [
  ...["v", "k", "d"],
  ...Object.values(LIMITS),
];

/** Fields with their values. */
export type Fields = ReadonlyMap<string, Uint8Array>;

/** What seals and opens. */
export interface Sealing {
  readonly keys: FleetKeys;
  /** Id of the fleet. */
  readonly fleet: string;
}

/** The fields of a user but its version, each before its value. */
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
 * A user of its fields.
 *
 * @returns `undefined` where there is none.
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
  const limits = LIMIT_KEYS.flatMap((key) => {
    const value = numberIn(fields, LIMITS[key]);
    return value === undefined ? [] : [[key, value] as const];
  });
  return {
    ...splitId(id),
    password: keys.open(sealed, { fleet, id, version }),
    limits: Object.fromEntries(limits),
    disabled: fields.has("d"),
  };
}

/** Names a user among those of all services. */
export function idOf(service: string, name: string): string {
  return `${service}/${name}`;
}

/** The two parts of an id; the service has no stroke. */
export function splitId(id: string): { service: string; name: string } {
  const at = id.indexOf("/");
  return { service: id.slice(0, at), name: id.slice(at + 1) };
}

/** A number of a field. */
export function numberIn(fields: Fields, name: string): number | undefined {
  const value = fields.get(name);
  return value === undefined ? undefined : Number(textOf(value));
}

/** A reply as text. */
export function textOf(reply: Reply | undefined): string {
  return reply instanceof Uint8Array
    ? new TextDecoder().decode(reply)
    : String(reply);
}

/** The parts of a reply that is a list; none of one that is not. */
export function partsOf(reply: Reply | undefined): readonly Reply[] {
  return Array.isArray(reply) ? reply : [];
}

/** Fields of a list in which each comes before its value. */
export function fieldsOf(reply: Reply | undefined): Fields {
  const parts = partsOf(reply);
  const fields = new Map<string, Uint8Array>();
  for (let i = 0; i + 1 < parts.length; i += 2) {
    const value = parts[i + 1];
    if (value instanceof Uint8Array) fields.set(textOf(parts[i]), value);
  }
  return fields;
}

/** Fields of the values of {@link USER_FIELDS}, in that order. */
export function fieldsInOrder(reply: Reply | undefined): Fields {
  const fields = new Map<string, Uint8Array>();
  for (const [i, value] of partsOf(reply).entries()) {
    if (value instanceof Uint8Array) fields.set(USER_FIELDS[i]!, value);
  }
  return fields;
}
