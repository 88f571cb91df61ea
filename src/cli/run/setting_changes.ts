/**
 * Describes the differences of settings at a reload.
 *
 * @module
 */
import {
  type AnySetting,
  type AnySettings,
  type Settings,
  usual,
  written,
} from "../settings/setting.ts";
import { same } from "./same.ts";

/**
 * Returns the settings of a service that differ, by their effect: adopted at
 * once, or with a new listener.
 *
 * @param old All settings, as in `next`.
 */
export function settingChanges<T>(
  settings: Settings<T>,
  old: T,
  next: T,
): { readonly adopted: string[]; readonly listening: string[] } {
  const changed = differing(settings, old, next);
  const told = (wanted: boolean): string[] =>
    changed.filter(([, row]) => (row.reload === "adopts") === wanted)
      .map(([name, row]) =>
        `${nameOf(row)} ${shown(row, next[name as keyof T])}`
      );
  return { adopted: told(true), listening: told(false) };
}

/**
 * Returns a warning about settings of the program that need a restart; none if
 * nothing differs.
 */
export function needsRestart(
  settings: AnySettings,
  old: object,
  next: object,
): string[] {
  const names = differing(settings, old, next).map(([, row]) => nameOf(row));
  return names.length === 0
    ? []
    : [`changed, and takes effect after a restart: ${names.join(", ")}`];
}

function differing(
  settings: AnySettings,
  old: unknown,
  next: unknown,
): [string, AnySetting][] {
  const valueOf = (from: unknown, name: string): unknown =>
    (from as Readonly<Record<string, unknown>>)[name];
  return Object.entries(settings)
    .filter(([name]) => !same(valueOf(old, name), valueOf(next, name)));
}

function nameOf({ key, flag }: AnySetting): string {
  return key ?? `--${flag}`;
}

function shown(row: AnySetting, value: unknown): string {
  return value === row.default
    ? usual(row) ?? written(row.kind, value)
    : written(row.kind, value);
}
