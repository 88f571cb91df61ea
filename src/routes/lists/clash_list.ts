/**
 * Lists of Clash and mihomo: lines such as `DOMAIN-SUFFIX,name`, or names or
 * blocks only, as text or as the YAML list `payload`.
 *
 * Of YAML, only a block of `- item` lines is supported.
 *
 * @module
 */
import {
  isOneOf,
  ofAddressTargets,
  onPorts,
  type PortRange,
} from "../condition.ts";
import { listError } from "../list_error.ts";
import {
  type InCountry,
  type RuleList,
  RuleListBuilder,
} from "../rule_list.ts";
import type { RuleBuilder } from "../rule_builder.ts";
import { addClashName, wildcardPattern } from "./clash_name.ts";
import { textLines, withoutComment } from "./text_lines.ts";

/**
 * Reads a list.
 *
 * @param list The list's name in messages.
 * @param inCountry Used for `GEOIP`; without it such entries are left out.
 * @throws {ConfigError} `ERR_ROUTE_LIST`.
 */
export function readClashList(
  text: string,
  list: string,
  inCountry?: InCountry,
): RuleList {
  const builder = new RuleListBuilder(list);
  const reader = new ClashReader(builder, inCountry);
  const isYaml = /^payload[ \t]*:/m.test(text);
  if (isYaml && !/^payload[ \t]*:[ \t]*(?:#.*)?\r?$/m.test(text)) {
    throw listError('its "payload" is not a list of "- item" lines');
  }
  const tooLong = builder.note.bind(builder);
  for (const { text: line, number } of textLines(text, tooLong)) {
    if (line.startsWith("#") || line.startsWith("//")) continue;
    if (!isYaml) reader.entry(withoutComment(line), number);
    else if (line.startsWith("- ")) reader.entry(yamlScalar(line), number);
  }
  return reader.finish();
}

class ClashReader {
  readonly #builder: RuleListBuilder;
  readonly #inCountry: InCountry | undefined;
  readonly #ports: PortRange[] = [];
  readonly #sources: RuleBuilder;
  /** Blocks that only apply to targets that are addresses. */
  readonly #literal: RuleBuilder;

  constructor(builder: RuleListBuilder, inCountry: InCountry | undefined) {
    this.#builder = builder;
    this.#inCountry = inCountry;
    this.#sources = builder.rule();
    this.#literal = builder.rule();
  }

  entry(text: string, line: number): void {
    const [first = "", second, ...options] = text.split(",")
      .map((part) => part.trim());
    if (second === undefined) this.#bare(first, line);
    else if (first === "DOMAIN-REGEX") {
      // A pattern may contain commas.
      const value = text.slice(text.indexOf(",") + 1).trim();
      this.#builder.main.targets.regex(value, line);
    } else this.#classical(first, second, options, line);
  }

  finish(): RuleList {
    const literal = this.#builder.build(this.#literal);
    if (literal !== undefined) this.#builder.add(ofAddressTargets(literal));
    const sources = this.#builder.build(this.#sources);
    if (sources !== undefined) this.#builder.add(sources);
    if (this.#ports.length > 0) this.#builder.add(onPorts(this.#ports));
    return this.#builder.finish();
  }

  /**
   * Reads a name or a block, as in lists of `behavior: domain` and `ipcidr`.
   */
  #bare(text: string, line: number): void {
    const { targets } = this.#builder.main;
    if (!targets.cidr(text, line)) addClashName(targets, text, line);
  }

  #classical(
    type: string,
    value: string,
    options: readonly string[],
    line: number,
  ): void {
    const { targets } = this.#builder.main;
    switch (type) {
      case "DOMAIN":
        return targets.name("exact", value, line);
      case "DOMAIN-SUFFIX":
        return targets.name("suffix", value, line);
      case "DOMAIN-KEYWORD":
        return targets.keyword(value, line);
      case "DOMAIN-WILDCARD":
        return targets.regex(wildcardPattern(value), line);
      case "IP-CIDR":
      case "IP-CIDR6": {
        const isLiteral = options.includes("no-resolve");
        const set = isLiteral ? this.#literal.targets : targets;
        return this.#noteUnless(set.cidr(value, line), "is not a block", line);
      }
      case "SRC-IP-CIDR":
        return this.#noteUnless(
          this.#sources.sources.cidr(value, line),
          "is not a block",
          line,
        );
      case "DST-PORT":
        return this.#noteUnless(this.#port(value), "is not a port", line);
      case "NETWORK":
        this.#builder.add(isOneOf("network", [value.toLowerCase()]));
        return;
      case "GEOIP":
        return this.#country(value, options, line);
      default:
        this.#builder.note(
          `has ${typeName(type)}, which is not supported`,
          line,
        );
    }
  }

  #country(value: string, options: readonly string[], line: number): void {
    if (this.#inCountry === undefined) {
      this.#builder.note("has GEOIP, but geoip_file is not set", line);
      return;
    }
    const there = this.#inCountry(value.toUpperCase());
    this.#builder.add(
      options.includes("no-resolve") ? ofAddressTargets(there) : there,
    );
  }

  #port(text: string): boolean {
    for (const part of text.split("/")) {
      const match = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part);
      if (match === null) return false;
      const from = Number(match[1]);
      const to = Number(match[2] ?? match[1]);
      if (from > to || to > 0xffff) return false;
      this.#ports.push({ from, to });
    }
    return true;
  }

  #noteUnless(isGood: boolean, reason: string, line: number): void {
    if (!isGood) this.#builder.note(reason, line);
  }
}

/** Returns the type of an entry as it can be shown in a message. */
function typeName(type: string): string {
  return /^[A-Z0-9-]{1,32}$/.test(type) ? type : "a condition";
}

/** Returns the item of a `- item` line, without quotes and comment. */
function yamlScalar(line: string): string {
  const item = line.slice(2).trim();
  const quoted = /^'((?:[^']|'')*)'/.exec(item);
  if (quoted !== null) return quoted[1]!.replaceAll("''", "'");
  const double = /^"((?:[^"\\]|\\.)*)"/.exec(item);
  if (double !== null) return double[1]!.replace(/\\(.)/g, "$1");
  return withoutComment(item);
}
