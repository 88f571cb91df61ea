import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { systemSources } from "../../../src/cli/config/sources.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-sources-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function read(...bytes: readonly number[]): string {
  const path = join(folder, "file");
  writeFileSync(path, new Uint8Array(bytes));
  return systemSources.readText(path);
}

test("readText() drops the invisible mark of UTF-8", () => {
  assert.equal(read(0xef, 0xbb, 0xbf, 0x70, 0x77, 0x0a), "pw\n");
  assert.equal(read(), "");
});

test("readText() refuses what is not UTF-8, such as the UTF-16 of Windows", () => {
  const refused = {
    code: "ERR_CONFIG_FILE",
    message: /file: it is not UTF-8; save it in that encoding$/,
  };
  assert.throws(() => read(0xff, 0xfe, 0x70, 0x00, 0x77, 0x00), refused);
  assert.throws(() => read(0x70, 0xe9), refused);
});

test("readText() says why, when there is nothing to read", () => {
  const { readText } = systemSources;
  assert.throws(
    () => readText(join(folder, "none")),
    /the file does not exist$/,
  );
  assert.throws(() => readText(folder), /it is a directory$/);
  read();
  assert.throws(
    () => readText(join(folder, "file", "below")),
    /a part of the path is a file, not a directory$/,
  );
});
