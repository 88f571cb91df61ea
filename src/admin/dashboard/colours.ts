/// <reference lib="dom" />
/**
 * The colours of the style sheet for canvases, which cannot use CSS variables.
 *
 * @module
 */
import { make } from "./dom.ts";
import { onChange } from "./preferences.ts";

const cache = new Map<string, string>();
onChange(() => cache.clear());

/**
 * Returns a colour of the present theme as `rgba(…)`.
 *
 * @param variable The name of a CSS variable, for example `--down`.
 * @param alpha 0 to 1.
 */
export function colour(variable: string, alpha = 1): string {
  const key = `${variable} ${alpha}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const probe = make("i", "");
  probe.style.color = `var(${variable})`;
  document.body.append(probe);
  const [r, g, b] = getComputedStyle(probe).color.match(/[\d.]+/g)!;
  probe.remove();
  const found = `rgba(${r}, ${g}, ${b}, ${alpha})`;
  cache.set(key, found);
  return found;
}
