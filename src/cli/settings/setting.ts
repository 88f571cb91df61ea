/**
 * The shape of the table of settings. Options, keys, the JSON Schema,
 * completions, the man page and the documentation are all made from the table.
 *
 * @module
 */

/** The role that reads a setting. */
export type Role = "server" | "local" | "tunnel";

/** The kinds of objects in a configuration file. */
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

/** The words that shells complete for a value, or the kind of a path. */
export type Words = readonly string[] | "file" | "folder";

/** A format of values, on command lines and in configuration files. */
export interface Kind<T> {
  /** The name of the value in the help; absent for a switch. */
  readonly value?: string;
  /** The type in the documentation. */
  readonly type: string;
  /** The expected value, for messages. */
  readonly expected: string;
  /** The schema for editors, without a description. */
  readonly schema: Readonly<Record<string, unknown>>;
  /** The words that shells complete. */
  readonly words?: Words;
  /** The format of one value, if the option may be repeated. */
  readonly each?: Kind<unknown>;
  /** Set if the value is secret and must not be shown. */
  readonly secret?: true;
  /** Reads JSON or text; returns `undefined` for an invalid value. */
  read(value: unknown): T | undefined;
  /** Writes the value; default: as text. */
  write?(value: T): string;
}

/** One setting: a row of the table. */
export interface Setting<T> {
  /** Key in a configuration file; absent if the setting has none. */
  readonly key?: string;
  /** Other keys with the same meaning. */
  readonly keyAliases?: readonly string[];
  /** The objects of a file that may have the key; default: the top. */
  readonly places?: readonly Place[];
  /** Long option without dashes; absent if the setting has none. */
  readonly flag?: string;
  /** One letter, without the dash. */
  readonly short?: string;
  /** Other long options with the same meaning. */
  readonly flagAliases?: readonly string[];
  /** The kind of value. */
  readonly kind: Kind<T>;
  /** The kind of value in a file; default: the same. */
  readonly fileKind?: Kind<T>;
  /** The default value. */
  readonly default?: T;
  /** The default in words, if no single value is the default. */
  readonly usual?: string;
  /** One sentence without a full stop. */
  readonly help: string;
  /** The only role that uses the key; default: both. */
  readonly role?: Role;
  /**
   * The effect of a changed value at a reload: a server `adopts` it at once, or
   * the service `listens` again while open connections stay open. Absent if the
   * value takes effect after a restart of the program.
   */
  readonly reload?: "adopts" | "listens";
}

/** A group of settings, by the name of each value. */
export type Settings<T> = {
  readonly [K in keyof T]-?: Setting<Exclude<T[K], undefined>>;
};

/**
 * A row as a table of settings has it: `name` stands for the key and, with
 * dashes in place of underscores, for the long option.
 */
type Row<T> = Setting<T> & { readonly name?: string };

/**
 * Makes the settings of a group.
 *
 * @param common The fields of every row; a row may replace them.
 * @param rows The rows, by the name of each value.
 */
export function settings<T>(
  common: Pick<AnySetting, "places" | "role" | "reload">,
  rows: { readonly [K in keyof T]-?: Row<Exclude<T[K], undefined>> },
): Settings<T> {
  const made = Object.entries<Row<unknown>>(rows).map((
    [id, { name, ...row }],
  ) => [id, {
    ...common,
    ...name && { key: name, flag: name.replaceAll("_", "-") },
    ...row,
  }]);
  return Object.fromEntries(made);
}

/** Any setting. */
// deno-lint-ignore no-explicit-any
export type AnySetting = Setting<any>;

/** Any group of settings. */
export type AnySettings = Readonly<Record<string, AnySetting>>;

/** The top of a file, and the entries of both roles. */
export const EVERYWHERE: readonly Place[] = ["top", "server", "local"];

/** One server, at the top or in `servers`. */
export const OF_SERVER: readonly Place[] = ["top", "server"];

/** One local, at the top or in `locals`. */
export const OF_LOCAL: readonly Place[] = ["top", "local"];

/** Returns the default of a setting as the help shows it. */
export function usual({ kind, usual, ...row }: AnySetting): string | undefined {
  if (usual !== undefined || row.default === undefined) return usual;
  return kind.value === undefined ? undefined : written(kind, row.default);
}

/** Returns the text of a value. */
export function written<T>(kind: Kind<T>, value: T): string {
  return kind.write?.(value) ?? String(value);
}

/**
 * Caches what is made for each kind of object, because many objects are read.
 */
export function forEachPlace<T>(
  make: (place: Place) => T,
): (place: Place) => T {
  const made = new Map<Place, T>();
  return (place) => {
    if (!made.has(place)) made.set(place, make(place));
    return made.get(place)!;
  };
}

/** Returns every key of a setting, the preferred one first. */
export function keysOf({ key, keyAliases = [] }: AnySetting): string[] {
  return key === undefined ? [] : [key, ...keyAliases];
}

/** True if an object of this kind may have the keys of a setting. */
export function isAllowedIn(
  { places = ["top"] }: AnySetting,
  place: Place,
): boolean {
  return places.includes(place);
}
