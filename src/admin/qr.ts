/**
 * QR codes of `ss://` URIs: as modules for a terminal, as SVG for a page.
 *
 * Source: ISO/IEC 18004. The encoder is `qr`, by the author of noble.
 *
 * @module
 */
import { encodeQR } from "qr";
import { badValue } from "../errors.ts";

/** Light modules on every side, which readers need: §5.3.8. */
const QUIET_ZONE = 4;

/** Maximum length of a text in bytes: version 40 with low correction, §7.1. */
export const MAX_QR_BYTES = 2_953;

/** True if a QR code can hold a text. */
export function fitsQr(text: string): boolean {
  return new TextEncoder().encode(text).length <= MAX_QR_BYTES;
}

/**
 * Returns a text as a square of modules with the quiet zone; `true` is dark.
 *
 * Error correction is low: a screen is clean, and the code stays small.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` if the text has more than {@link
 * MAX_QR_BYTES} bytes.
 */
export function qrMatrix(text: string): boolean[][] {
  const { length } = new TextEncoder().encode(text);
  if (length > MAX_QR_BYTES) {
    throw badValue(
      `Too long for a QR code: ${length} bytes, expected at most ${MAX_QR_BYTES}`,
    );
  }
  return encodeQR(text, "raw", { ecc: "low", border: QUIET_ZONE });
}

/**
 * Returns a text as an SVG document without a size, one unit for each module.
 *
 * The document has a white background, so that it can be read on a dark page.
 *
 * @throws {ConfigError} As {@link qrMatrix}.
 */
export function qrSvg(text: string): string {
  const rows = qrMatrix(text);
  const path = rows.map((row, y) =>
    [...row.map((dark) => dark ? "#" : " ").join("").matchAll(/#+/g)]
      .map(({ index, 0: { length } }) =>
        `M${index} ${y}h${length}v1h-${length}z`
      )
      .join("")
  ).join("");
  return `<svg xmlns="http://www.w3.org/2000/svg" ` +
    `viewBox="0 0 ${rows.length} ${rows.length}" shape-rendering="crispEdges">` +
    `<path fill="#fff" d="M0 0h${rows.length}v${rows.length}H0z"/>` +
    `<path fill="#000" d="${path}"/></svg>`;
}
