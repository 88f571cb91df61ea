/**
 * Rule sets of sing-box as JSON, versions 1 to 4.
 *
 * A rule with an unsupported condition is left out, and noted.
 *
 * @module
 */
import { MAX_RULE_DEPTH } from "../../limits.ts";
import { allOf, anyOf, type Condition, not } from "../condition.ts";
import { listError } from "../list_error.ts";
import type { RuleBuilder } from "../rule_builder.ts";
import { type RuleList, RuleListBuilder } from "../rule_list.ts";
import { parsePortRange } from "./port_range.ts";
import { isObject } from "../../codec/json.ts";

const NEWEST_VERSION = 4;

/**
 * Reads a rule set.
 *
 * @param list The list's name in messages.
 * @throws {ConfigError} `ERR_ROUTE_LIST`.
 */
export function readRuleSetJson(text: string, list: string): RuleList {
  const document = parse(text);
  const { version, rules } = isObject(document) ? document : {};
  if (!Array.isArray(rules)) throw listError('it has no list "rules"');
  if (typeof version !== "number" || version < 1 || version > NEWEST_VERSION) {
    throw listError(
      `its "version" is ${JSON.stringify(version)}, expected 1 to ` +
        `${NEWEST_VERSION}`,
    );
  }
  const builder = new RuleListBuilder(list);
  for (const entry of rules) {
    const condition = readRule(builder, entry, 0);
    if (typeof condition === "string") builder.note(condition, 0);
    else builder.add(condition);
  }
  return builder.finish();
}

/** @returns The condition, or the reason why the rule is left out. */
function readRule(
  builder: RuleListBuilder,
  entry: unknown,
  depth: number,
): Condition | string {
  if (depth > MAX_RULE_DEPTH) throw listError("its rules are nested too deep");
  if (!isObject(entry)) return "is not a rule";
  return entry["type"] === "logical"
    ? readLogical(builder, entry, depth)
    : readSimple(builder.rule(), entry, builder);
}

function readLogical(
  builder: RuleListBuilder,
  { mode, rules, invert }: Record<string, unknown>,
  depth: number,
): Condition | string {
  if (mode !== "and" && mode !== "or") return 'has an unknown "mode"';
  if (!Array.isArray(rules) || rules.length === 0) return 'has no "rules"';
  const parts: Condition[] = [];
  for (const rule of rules) {
    const part = readRule(builder, rule, depth + 1);
    if (typeof part === "string") return part;
    parts.push(part);
  }
  const joined = mode === "and" ? allOf(parts) : anyOf(parts);
  return invert === true ? not(joined) : joined;
}

function readSimple(
  rule: RuleBuilder,
  entry: Record<string, unknown>,
  builder: RuleListBuilder,
): Condition | string {
  for (const [key, value] of Object.entries(entry)) {
    if (key === "type") continue;
    if (key === "invert") {
      rule.isInverted = value === true;
      continue;
    }
    const values = Array.isArray(value) ? value : [value];
    for (const one of values) {
      const wrong = readValue(rule, key, one);
      if (wrong !== undefined) return wrong;
    }
  }
  return builder.build(rule) ?? "has no condition";
}

/** @returns The reason if the rule is left out. */
function readValue(
  rule: RuleBuilder,
  key: string,
  value: unknown,
): string | undefined {
  if (key === "port" || key === "source_port") {
    if (key === "source_port") {
      return "has an unsupported condition";
    }
    const port = Number(value);
    if (!Number.isInteger(port) || port < 0 || port > 0xffff) {
      return "has an invalid port";
    }
    rule.ports.push({ from: port, to: port });
    return undefined;
  }
  if (typeof value !== "string") return `has a "${key}" that is not text`;
  switch (key) {
    case "domain":
      rule.targets.name("exact", value, 0);
      return undefined;
    case "domain_suffix":
      rule.targets.name("suffix", value, 0);
      return undefined;
    case "domain_keyword":
      rule.targets.keyword(value, 0);
      return undefined;
    case "domain_regex":
      rule.targets.regex(value, 0);
      return undefined;
    case "ip_cidr":
      return rule.targets.cidr(value, 0) ? undefined : "is not a block";
    case "source_ip_cidr":
      return rule.sources.cidr(value, 0) ? undefined : "is not a block";
    case "network":
      rule.networks.push(value);
      return undefined;
    case "port_range": {
      const range = parsePortRange(value);
      if (range === undefined) return "has an invalid range of ports";
      rule.ports.push(range);
      return undefined;
    }
    default:
      return "has an unsupported condition";
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ""));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    throw listError(`it is not JSON: ${error.message}`);
  }
}
