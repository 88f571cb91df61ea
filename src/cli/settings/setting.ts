/**
 * The shape of the table of settings: plain data of which options, keys, the
 * JSON Schema, completions, man page and documentation are made.
 *
 * @module
 */

/** Which end a setting is read by. */
export type Role = "server" | "local" | "tunnel";

/** The objects of a configuration file in which keys stand. */
export type Place =
  | "top"
  | "server"
  | "local"
  | "user"
  | "online"
  | "balancer"
  | "transport"
  | "websocket"
  | "panel";

/** What a value may be, for shells: one of some words, or a path. */
export type Words = readonly string[] | "file" | "folder";

/** A form of values, for command lines and for configuration files. */
export interface Kind<T> {
  /** What the help calls the value; absent for a switch. */
  readonly value?: string;
  /** What the documentation calls it. */
  readonly type: string;
  /** What it takes, for messages. */
  readonly expected: string;
  /** The same for editors, without a description. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** What shells propose. */
  readonly words?: Words;
  /** The form of one value, where an option may be repeated. */
  readonly each?: Kind<unknown>;
  /** Set: the value is never shown. */
  readonly secret?: true;
  /** Reads JSON or text; `undefined` for what it does not take. */
  read(value: unknown): T | undefined;
  /** As it is written; default: as text. */
  write?(value: T): string;
}

/** One setting: a row of the table. */
export interface Setting<T> {
  /** Key in a configuration file; absent: no key. */
  readonly key?: string;
  /** Other keys of the same meaning. */
  readonly keyAliases?: readonly string[];
  /** Objects of a file in which the key may stand; default: the top. */
  readonly places?: readonly Place[];
  /** Long option, without dashes; absent: no option. */
  readonly flag?: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** Other long options of the same meaning. */
  readonly flagAliases?: readonly string[];
  /** How the value is read. */
  readonly kind: Kind<T>;
  /** How it is read from a file; default: the same way. */
  readonly fileKind?: Kind<T>;
  /** What holds where nothing was said. */
  readonly default?: T;
  /** The default in words, where there is no one value. */
  readonly usual?: string;
  /** One sentence without a full stop. */
  readonly help: string;
  /** The end that alone has a use for the key; default: both. */
  readonly role?: Role;
  /**
   * What a reload does with another value: a server `adopts` it at once, or the
   * service `listens` again while open connections live on. Absent: the value
   * takes effect after a restart of the program.
   */
  readonly reload?: "adopts" | "listens";
}

/** Settings by the name of the value that is made of each. */
export type Settings<T> = {
  readonly [K in keyof T]-?: Setting<Exclude<T[K], undefined>>;
};

/** Any setting. */
// deno-lint-ignore no-explicit-any
export type AnySetting = Setting<any>;

/** Any group of settings. */
export type AnySettings = Readonly<Record<string, AnySetting>>;

/** Both ends' entries, and the top. */
export const EVERYWHERE: readonly Place[] = ["top", "server", "local"];

/** One server, at the top or in `servers`. */
export const OF_SERVER: readonly Place[] = ["top", "server"];

/** One local, at the top or in `locals`. */
export const OF_LOCAL: readonly Place[] = ["top", "local"];

/** The default of a setting as the help shows it. */
export function usual({ kind, usual, ...row }: AnySetting): string | undefined {
  if (usual !== undefined || row.default === undefined) return usual;
  return kind.value === undefined ? undefined : written(kind, row.default);
}

/** A value as it is written. */
export function written<T>(kind: Kind<T>, value: T): string {
  return kind.write?.(value) ?? String(value);
}

/** Remembers what is made for each place: files are read again and again. */
export function forEachPlace<T>(
  make: (place: Place) => T,
): (place: Place) => T {
  const made = new Map<Place, T>();
  return (place) => {
    if (!made.has(place)) made.set(place, make(place));
    return made.get(place)!;
  };
}

/** Every key of a setting, the usual one first. */
export function keysOf({ key, keyAliases = [] }: AnySetting): string[] {
  return key === undefined ? [] : [key, ...keyAliases];
}

/** Whether the keys of a setting may stand in such an object. */
export function stands(
  { places = ["top"] }: AnySetting,
  place: Place,
): boolean {
  return places.includes(place);
}
