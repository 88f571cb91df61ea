/**
 * Writes docs/config.schema.json, the JSON Schema of configuration files, from
 * the schema the program reads them with: `deno task schema`.
 *
 * @module
 */
import { toJsonSchema } from "@valibot/to-json-schema";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  CONFIG_FILE,
  CONFIG_OBJECTS,
} from "../src/cli/config/config_schema.ts";
import { ROOT } from "./support/runtimes.ts";

/** Where the schema is published. */
export const SCHEMA_FILE: string = join(ROOT, "docs", "config.schema.json");

/** The schema as a JSON text. */
export function configJsonSchema(): string {
  const schema = toJsonSchema(CONFIG_FILE, {
    typeMode: "input",
    definitions: CONFIG_OBJECTS,
    overrideSchema: ({ valibotSchema, jsonSchema }) => {
      if (valibotSchema.type !== "object") return jsonSchema;
      // An editor shall mark a slip; "_comment" and "//" are comments.
      const comments = { "^[_/]": true };
      return {
        ...jsonSchema,
        patternProperties: comments,
        additionalProperties: false,
      };
    },
  });
  return `${
    JSON.stringify({ title: "Configuration of Umbra", ...schema }, null, 2)
  }\n`;
}

if (import.meta.main) writeFileSync(SCHEMA_FILE, configJsonSchema());
