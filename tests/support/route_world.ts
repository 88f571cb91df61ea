/**
 * Questions for routes, and lists that answer them.
 *
 * @module
 */
import { decompress } from "../../src/adapters/system/decompress.ts";
import type { Condition } from "../../src/routes/condition.ts";
import {
  type ListFormat,
  readRuleList,
} from "../../src/routes/lists/read_list.ts";
import { routeAddress } from "../../src/routes/match/target_set.ts";
import { questionName } from "../../src/routes/names.ts";
import {
  NEEDS_ADDRESSES,
  NOT_TOLD,
  type RouteQuestion,
} from "../../src/routes/question.ts";
import type { RuleList } from "../../src/routes/rule_list.ts";
import { utf8 } from "./bytes.ts";

/** Returns a question about a host; a name has no addresses by default. */
export function questionOf(
  host: string,
  more: Partial<RouteQuestion> = {},
): RouteQuestion {
  const address = routeAddress(host);
  return {
    ...address
      ? { addresses: [address] }
      : { name: questionName(host), addresses: [] },
    port: 443,
    network: "tcp",
    ...more,
  };
}

/** Returns the matching condition as `condition=value`; "" if none matches. */
export function why(
  condition: Condition,
  host: string,
  more: Partial<RouteQuestion> = {},
): string {
  const answer = condition.answer(questionOf(host, more));
  if (answer === NEEDS_ADDRESSES) return "needs addresses";
  if (answer === NOT_TOLD) return "not told";
  return answer === undefined ? "" : `${answer.condition}=${answer.value}`;
}

/** Reads a list; its format is detected unless given. */
export function listOf(
  content: string | Uint8Array,
  format?: ListFormat,
): RuleList {
  const bytes = typeof content === "string" ? utf8(content) : content;
  return readRuleList(bytes, { list: "test", decompress, format });
}
