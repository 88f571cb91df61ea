/// <reference lib="dom" />
/**
 * How this browser likes the page: theme and unit. It keeps them, the language,
 * and nothing else.
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

/** Functions that draw, called after a change. */
const listeners: (() => void)[] = [];
let rateUnit: RateUnit = "bit";
let theme: typeof THEMES[number] = "system";

/** The unit of rates. */
export function unit(): RateUnit {
  return rateUnit;
}

/** Calls back when the theme or the unit is another one. */
export function onChange(listener: () => void): void {
  listeners.push(listener);
}

/** Takes up what was chosen before, and the two switches. */
export function startPreferences(): void {
  if (localStorage.getItem(`${KEY}unit`) === "byte") rateUnit = "byte";
  const kept = localStorage.getItem(`${KEY}theme`);
  theme = THEMES.find((one) => one === kept) ?? "system";
  byId("unit", HTMLButtonElement).onclick = nextUnit;
  byId("theme", HTMLButtonElement).onclick = nextTheme;
  matchMedia("(prefers-color-scheme: dark)").onchange = show;
  show();
}

/** Bits, bytes. */
export function nextUnit(): void {
  rateUnit = rateUnit === "bit" ? "byte" : "bit";
  localStorage.setItem(`${KEY}unit`, rateUnit);
  show();
}

/** System, light, dark. */
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
