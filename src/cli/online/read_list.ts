/**
 * Reads what providers publish: lists, links and dynamic access keys, which may
 * be YAML.
 *
 * @module
 */
import { isAccessKey, readAccessKey } from "../../codec/access_key.ts";
import { type OnlineConfig, parseOnlineConfig } from "../../codec/sip008.ts";
import { ConfigError } from "../../errors.ts";
import { MAX_YAML_ALIASES, MAX_YAML_LENGTH } from "../../limits.ts";
import { parseStrictJson } from "../../codec/json.ts";

/**
 * Reads a published text.
 *
 * @throws {ConfigError} `ERR_ONLINE_CONFIG`, also with an error message of the
 * provider.
 */
export async function readList(text: string): Promise<OnlineConfig> {
  const document = await parse(text);
  return isAccessKey(document)
    ? readAccessKey(document)
    : parseOnlineConfig(text);
}

/**
 * @returns `undefined` for text that is neither JSON nor an access key in YAML.
 */
async function parse(text: string): Promise<unknown> {
  const document = parseStrictJson(text);
  if (document !== undefined || !isYaml(text)) return document;
  return await parseYaml(text);
}

/** True if a line begins with a key of access keys. */
function isYaml(text: string): boolean {
  return /^["']?(?:transport|error)["']?\s*:/m.test(text);
}

/**
 * Parses YAML. The library is loaded only here, because most lists are JSON.
 */
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
    // The YAML has too many aliases, an alias without its anchor, or too many
    // levels.
    const isItsOwn = error instanceof ReferenceError ||
      error instanceof RangeError;
    if (!isItsOwn) throw error;
    throw refuse("too many aliases or levels");
  }
}

/**
 * Returns the error without the message of the library, which quotes the text:
 * it may contain a secret.
 */
function refuse(why: string): ConfigError {
  return new ConfigError(
    "ERR_ONLINE_CONFIG",
    `Cannot use access key: not valid YAML (${why})`,
  );
}
