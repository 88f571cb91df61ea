import { ROUTE_TOP_KEYS } from "../../../src/cli/routes/route_options.ts";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { TOP_KEYS } from "../../../src/cli/config/config_schema.ts";
import { LEGACY_KEYS } from "../../../src/cli/config/legacy_keys.ts";
import { OUTBOUND_KEYS } from "../../../src/cli/config/outbound_settings.ts";
import { configJsonSchema, SCHEMA_FILE } from "../../schema.ts";
import { ROOT } from "../../support/runtimes.ts";

/** What this test reads of a JSON Schema. */
interface Schema {
  readonly description?: string;
  readonly additionalProperties?: boolean;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $defs: Readonly<Record<string, Schema>>;
}

const schema = JSON.parse(configJsonSchema()) as Schema;
const objects = [schema, ...Object.values(schema.$defs)];

test("docs/config.schema.json is what `deno task schema` writes", () => {
  const published = JSON.parse(readFileSync(SCHEMA_FILE, "utf8"));
  assert.deepEqual(published, schema);
});

test("the JSON Schema describes every key, and takes no others", () => {
  assert.deepEqual(Object.keys(schema.$defs), ["user", "server", "local"]);
  assert.deepEqual(
    Object.keys(schema.properties!).sort(),
    Object.keys(TOP_KEYS).sort(),
  );
  for (const { properties = {}, additionalProperties } of objects) {
    assert.equal(additionalProperties, false);
    for (const [key, { description }] of Object.entries(properties)) {
      assert.match(description ?? "", /^[A-Z].*[^.]$/, key);
    }
  }
});

test("docs/configuration.md names every key that is served, and no other", () => {
  const section = readFileSync(
    join(ROOT, "docs", "configuration.md"),
    "utf8",
  );
  const served = new Set(
    objects.flatMap(({ properties = {} }) => Object.keys(properties))
      .filter((key) =>
        !Object.hasOwn(LEGACY_KEYS, key) ||
        Object.hasOwn(OUTBOUND_KEYS, key) || Object.hasOwn(ROUTE_TOP_KEYS, key)
      ),
  );
  const rows = [...section.matchAll(/^\| `([^|]+)`/gm)]
    .flatMap(([, cell]) => cell!.split("`, `"));
  assert.deepEqual(rows.filter((key) => !served.has(key)), []);
  assert.deepEqual(
    [...served].filter((key) => !section.includes(`\`${key}\``)),
    [],
  );
});
