import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeQR } from "qr/decode.js";
import { MAX_QR_BYTES, qrMatrix, qrSvg } from "../../../src/admin/qr.ts";
import { ConfigError } from "../../../src/errors.ts";

/** Pixels to a module. */
const SCALE = 4;

const URI =
  "ss://2022-blake3-aes-256-gcm:t7XRzLCvgsH4r4r669cyqPnVNFG2c%2FHC5Tt%2BMjINJB0%3D" +
  "@[2001:db8::1]:20220/#M%C3%BCnchen";

test("qrMatrix() makes what a reader reads back", () => {
  for (const text of ["ss://YTpi@h:1", URI, URI.repeat(5), "ü €𝄞"]) {
    assert.equal(read(qrMatrix(text)), text);
  }
});

test("qrMatrix() has four light modules on every side", () => {
  const rows = qrMatrix(URI);
  const zone = [...rows.slice(0, 4), ...rows.slice(-4)].flat();
  const sides = rows.flatMap((row) => [...row.slice(0, 4), ...row.slice(-4)]);
  assert.ok([...zone, ...sides].every((dark) => !dark));
  assert.ok(rows[4]![4], "the finder pattern starts behind it");
  assert.ok(rows.every((row) => row.length === rows.length));
});

test("qrMatrix() takes 2,953 bytes and refuses more", () => {
  assert.equal(qrMatrix("a".repeat(MAX_QR_BYTES)).length, 177 + 2 * 4);
  for (const text of ["a".repeat(MAX_QR_BYTES + 1), "€".repeat(985)]) {
    assert.throws(() => qrMatrix(text), (error: unknown) => {
      assert.ok(error instanceof ConfigError);
      assert.match(error.message, /Too long for a QR code: 295[45] bytes/);
      return true;
    });
  }
});

test("qrSvg() draws the same modules, on white of its own", () => {
  const rows = qrMatrix(URI);
  const svg = qrSvg(URI);
  assert.match(svg, new RegExp(`viewBox="0 0 ${rows.length} ${rows.length}"`));
  assert.match(svg, /<path fill="#fff" d="M0 0h(\d+)v\1H0z"/);
  const drawn = rows.map((row) => row.map(() => false));
  for (const [, x, y, width] of svg.matchAll(/M(\d+) (\d+)h(\d+)v1h-\3z/g)) {
    drawn[Number(y)]!.fill(true, Number(x), Number(x) + Number(width));
  }
  assert.deepEqual(drawn, rows);
});

/** Photographs the modules and reads them. */
function read(rows: readonly (readonly boolean[])[]): string {
  const side = rows.length * SCALE;
  const data = new Uint8Array(side * side * 4).fill(0xff);
  for (let i = 0; i < side * side; i++) {
    const y = Math.floor(i / side / SCALE);
    const x = Math.floor((i % side) / SCALE);
    if (rows[y]![x]) data.fill(0, i * 4, i * 4 + 3);
  }
  return decodeQR({ width: side, height: side, data });
}
