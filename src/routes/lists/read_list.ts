/**
 * Reads lists of every format; the format is recognised by the content.
 *
 * @module
 */
import { MAX_LIST_BYTES } from "../../limits.ts";
import { listError } from "../list_error.ts";
import type { InCountry, RuleList } from "../rule_list.ts";
import { readClashList } from "./clash_list.ts";
import type { Decompress } from "./decompress.ts";
import { readMrs, ZSTD_MAGIC } from "./mrs.ts";
import { readPlainList } from "./plain_list.ts";
import { readRuleSetJson } from "./rule_set_json.ts";
import { readSrs, SRS_MAGIC } from "./srs.ts";

/** The formats of lists. */
export const LIST_FORMATS = ["plain", "clash", "json", "srs", "mrs"] as const;

/** One of {@link LIST_FORMATS}. */
export type ListFormat = typeof LIST_FORMATS[number];

/** The options of reading. */
export interface ReadListOptions {
  /** The list's name in messages. */
  readonly list: string;
  /** The format; default: recognised by the content. */
  readonly format?: ListFormat | undefined;
  /** Decompresses with the functions of the runtime. */
  readonly decompress: Decompress;
  /** Default: conditions on countries are left out. */
  readonly inCountry?: InCountry | undefined;
}

/**
 * Reads a list.
 *
 * @param bytes The file; borrowed.
 * @throws {ConfigError} `ERR_ROUTE_LIST`.
 */
export function readRuleList(
  bytes: Uint8Array,
  options: ReadListOptions,
): RuleList {
  const { list, decompress, inCountry } = options;
  if (bytes.length > MAX_LIST_BYTES) {
    throw listError(`it is larger than ${MAX_LIST_BYTES} bytes`);
  }
  const format = options.format ?? formatOf(bytes);
  switch (format) {
    case "srs":
      return readSrs(bytes, list, decompress);
    case "mrs":
      return readMrs(bytes, list, decompress);
    case "json":
      return readRuleSetJson(UTF8.decode(bytes), list);
    case "clash":
      return readClashList(UTF8.decode(bytes), list, inCountry);
    case "plain":
      return readPlainList(UTF8.decode(bytes), list);
  }
}

/** Recognises the format of a list by its first bytes or its first entry. */
export function formatOf(bytes: Uint8Array): ListFormat {
  const startsWith = (magic: readonly number[]): boolean =>
    magic.every((byte, i) => bytes[i] === byte);
  if (startsWith(SRS_MAGIC)) return "srs";
  if (startsWith(ZSTD_MAGIC)) return "mrs";
  const text = UTF8.decode(bytes);
  if (/^\uFEFF?\s*\{/.test(text)) return "json";
  const isClash =
    /^[ \t]*(?:payload[ \t]*:|\+\.|[A-Z][A-Z0-9]+(?:-[A-Z0-9]+)*,)/m.test(text);
  return isClash ? "clash" : "plain";
}

const UTF8 = new TextDecoder("utf-8", { ignoreBOM: true });
