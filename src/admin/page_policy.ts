/**
 * What the dashboard's page may do in a browser: run its own inline scripts
 * and styles, ask its own origin, and nothing else.
 *
 * @module
 */

/** For everything that is no page. */
export const NO_PAGE_POLICY =
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/**
 * The Content-Security-Policy of one page.
 *
 * Inline scripts and styles are allowed by their SHA-256, so that whatever
 * else finds its way into the page does not run. `style` attributes do not
 * work; setting `element.style` does.
 *
 * @param page All of its HTML.
 */
export async function pagePolicy(page: string): Promise<string> {
  const scripts = await hashesOf(page, /<script\b[^>]*>(.*?)<\/script>/gis);
  const styles = await hashesOf(page, /<style\b[^>]*>(.*?)<\/style>/gis);
  return [
    NO_PAGE_POLICY,
    `script-src ${scripts}`,
    `style-src ${styles}`,
    "connect-src 'self'",
    "img-src 'self' data:",
  ].join("; ");
}

/** CSP3 §2.3.1: the hash of exactly what stands between the tags. */
async function hashesOf(page: string, elements: RegExp): Promise<string> {
  // A browser hashes what it has parsed: with each line end as one LF.
  const texts = [...page.replace(/\r\n?/g, "\n").matchAll(elements)]
    .map((match) => match[1]!)
    .filter((text) => text !== "");
  const hashes = await Promise.all(texts.map(async (text) => {
    const bytes = new TextEncoder().encode(text);
    const digest = await crypto.subtle.digest("SHA-256", bytes);
    return `'sha256-${new Uint8Array(digest).toBase64()}'`;
  }));
  return hashes.length > 0 ? hashes.join(" ") : "'none'";
}
