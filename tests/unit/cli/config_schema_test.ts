import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { knownKeys } from "../../../src/cli/settings/tables.ts";
import {
  configJsonSchema,
  CONFIGURATION_FILE,
  SCHEMA_FILE,
  withTables,
} from "../../settings.ts";

/** What this test reads of a JSON Schema. */
interface Schema {
  readonly description?: string;
  readonly additionalProperties?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $defs: Readonly<Record<string, Schema>>;
}

const schema = JSON.parse(configJsonSchema()) as Schema;
const objects = [schema, ...Object.values(schema.$defs)];

test("docs/config.schema.json is what `deno task settings` writes", () => {
  const published = JSON.parse(readFileSync(SCHEMA_FILE, "utf8"));
  assert.deepEqual(published, schema);
});

test("the JSON Schema describes every key, and takes no others", () => {
  assert.deepEqual(Object.keys(schema.$defs), [
    "user",
    "server",
    "local",
    "online",
    "balancer",
    "transport",
    "websocket",
    "panel",
  ]);
  assert.deepEqual(
    Object.keys(schema.properties!).sort(),
    [...knownKeys("top")].sort(),
  );
  for (const { properties = {}, additionalProperties } of objects) {
    assert.equal(additionalProperties, false);
    for (const [key, { description }] of Object.entries(properties)) {
      assert.match(description ?? "", /^[A-Z].*[^.]$/, key);
    }
  }
});

test("the tables of docs/configuration.md are what `deno task settings` writes", () => {
  const published = readFileSync(CONFIGURATION_FILE, "utf8");
  assert.equal(withTables(published), published);
  assert.match(published, /^\| `timeout` +\| `-t`, `--timeout` +\| seconds /m);
});
