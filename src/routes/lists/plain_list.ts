/**
 * Plain lists: a name, an address or a block on each line.
 *
 * A line may have a prefix. `domain:` means a suffix in v2fly's lists and an
 * exact name in shadowsocks-go's; the latter are recognised by `suffix:`.
 *
 * @module
 */
import { type RuleList, RuleListBuilder } from "../rule_list.ts";
import { textLines, withoutComment } from "./text_lines.ts";

/**
 * Reads a list.
 *
 * @param list The list's name in messages.
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
    // Attributes after an entry, as in v2fly's lists, are ignored.
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
        builder.note("includes another list, which is not supported", number);
        break;
      default:
        // The first part of an IPv6 address looks like a prefix.
        if (!targets.cidr(entry, number)) {
          builder.note("has an unknown prefix", number);
        }
    }
  }
  return builder.finish();
}
