/// <reference lib="dom" />
/**
 * The preferences of this browser: theme and unit. The browser stores these and
 * the language, and nothing else.
 *
 * @module
 */
import type { RateUnit } from "../units.ts";
import { byId, setText } from "./dom.ts";
import { say } from "./language.ts";

const THEMES = ["system", "light", "dark"] as const;
const THEME_NAMES = {
  system: "theme-system",
  light: "theme-light",
  dark: "theme-dark",
} as const;
const KEY = "umbra-";

/** Functions that draw; they are called after a change. */
const listeners: (() => void)[] = [];
let rateUnit: RateUnit = "bit";
let theme: typeof THEMES[number] = "system";

/** Returns the unit of rates. */
export function unit(): RateUnit {
  return rateUnit;
}

/** Registers a function that is called when the theme or the unit changes. */
export function onChange(listener: () => void): void {
  listeners.push(listener);
}

/** Restores the stored preferences, and starts the two switches. */
export function startPreferences(): void {
  if (localStorage.getItem(`${KEY}unit`) === "byte") rateUnit = "byte";
  const kept = localStorage.getItem(`${KEY}theme`);
  theme = THEMES.find((one) => one === kept) ?? "system";
  byId("unit", HTMLButtonElement).onclick = nextUnit;
  byId("theme", HTMLButtonElement).onclick = nextTheme;
  matchMedia("(prefers-color-scheme: dark)").onchange = show;
  show();
}

/** Switches between bits and bytes. */
export function nextUnit(): void {
  rateUnit = rateUnit === "bit" ? "byte" : "bit";
  localStorage.setItem(`${KEY}unit`, rateUnit);
  show();
}

/** Switches between system, light and dark theme. */
export function nextTheme(): void {
  theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]!;
  localStorage.setItem(`${KEY}theme`, theme);
  show();
}

function show(): void {
  document.documentElement.dataset.theme = theme;
  setText(
    byId("unit", HTMLButtonElement),
    rateUnit === "bit" ? "bit/s" : "MiB/s",
  );
  setText(byId("theme", HTMLButtonElement), say(THEME_NAMES[theme]));
  for (const listener of listeners) listener();
}
