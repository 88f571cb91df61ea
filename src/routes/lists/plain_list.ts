/**
 * Plain lists: a name, an address or a block on each line.
 *
 * Prefixes say what a line is. `domain:` is a suffix for v2fly and an exact
 * name for shadowsocks-go, whose files have `suffix:` for suffixes.
 *
 * @module
 */
import { type RuleList, RuleListBuilder } from "../rule_list.ts";
import { textLines, withoutComment } from "./text_lines.ts";

/**
 * Reads a list.
 *
 * @param list Its name in what is explained.
 * @throws {ConfigError} `ERR_ROUTE_LIST`.
 */
export function readPlainList(text: string, list: string): RuleList {
  const builder = new RuleListBuilder(list);
  const { targets } = builder.main;
  const isOfGo = /^[ \t]*suffix:/m.test(text);
  const tooLong = builder.note.bind(builder);
  for (const { text: line, number } of textLines(text, tooLong)) {
    const entry = line.startsWith("//") ? "" : withoutComment(line);
    if (entry === "") continue;
    const [, prefix, rest = entry] = /^([a-z]+):(.*)$/.exec(entry) ?? [];
    // v2fly marks entries behind them; a mark is no condition here.
    const mark = rest.search(/\s@/);
    const value = (mark < 0 ? rest : rest.slice(0, mark)).trim();
    switch (prefix) {
      case undefined:
        if (!targets.cidr(value, number)) targets.name("suffix", value, number);
        break;
      case "domain":
        targets.name(isOfGo ? "exact" : "suffix", value, number);
        break;
      case "suffix":
        targets.name("suffix", value, number);
        break;
      case "full":
        targets.name("exact", value, number);
        break;
      case "keyword":
        targets.keyword(value, number);
        break;
      case "regexp":
        targets.regex(value, number);
        break;
      case "include":
        builder.note("includes another list, which is not read", number);
        break;
      default:
        // An IPv6 address begins like a prefix.
        if (!targets.cidr(entry, number)) {
          builder.note("has a prefix that is not known", number);
        }
    }
  }
  return builder.finish();
}
