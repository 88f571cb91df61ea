/**
 * What a provider publishes, in whatever form: lists, links and dynamic access
 * keys, which may be YAML.
 *
 * @module
 */
import { isAccessKey, readAccessKey } from "../../codec/access_key.ts";
import { type OnlineConfig, parseOnlineConfig } from "../../codec/sip008.ts";
import { ConfigError } from "../../errors.ts";
import { MAX_YAML_ALIASES, MAX_YAML_LENGTH } from "../../limits.ts";
import { parseStrictJson } from "../config/strict_json.ts";

/**
 * Reads it.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG`, also with the provider's own words.
 */
export async function readList(text: string): Promise<OnlineConfig> {
  const document = await parse(text);
  return isAccessKey(document)
    ? readAccessKey(document)
    : parseOnlineConfig(text);
}

/** @returns `undefined` for what is neither JSON nor a key in YAML. */
async function parse(text: string): Promise<unknown> {
  const document = parseStrictJson(text);
  if (document !== undefined || !isYaml(text)) return document;
  return await parseYaml(text);
}

/** True if a line begins one of the keys that make an access key. */
function isYaml(text: string): boolean {
  return /^["']?(?:transport|error)["']?\s*:/m.test(text);
}

/** The library is loaded only here: most lists are JSON. */
async function parseYaml(text: string): Promise<unknown> {
  if (text.length > MAX_YAML_LENGTH) {
    throw refuse(`over ${MAX_YAML_LENGTH} characters`);
  }
  const { parseDocument } = await import("yaml");
  try {
    const document = parseDocument(text, { merge: true, prettyErrors: false });
    const [error] = document.errors;
    if (error !== undefined) {
      throw refuse(`${error.code}, offset ${error.pos[0]}`);
    }
    return document.toJS({ maxAliasCount: MAX_YAML_ALIASES });
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    // Too many aliases, one without its anchor, or more levels than can be read.
    const isItsOwn = error instanceof ReferenceError ||
      error instanceof RangeError;
    if (!isItsOwn) throw error;
    throw refuse("its aliases, or the levels of its parts, are too many");
  }
}

/** The library quotes what it reads, which may be a secret. */
function refuse(why: string): ConfigError {
  return new ConfigError(
    "ERR_ONLINE_CONFIG",
    `Cannot use access key: it is no YAML (${why})`,
  );
}
