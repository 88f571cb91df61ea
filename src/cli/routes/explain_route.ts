/**
 * Describes in words how routes decide about a target.
 *
 * @module
 */
import { formatIp } from "../../codec/ip_address.ts";
import { routeAddress } from "../../routes/match/target_set.ts";
import { questionName } from "../../routes/names.ts";
import type { RouteQuestion } from "../../routes/question.ts";
import { explainDecision, type RouteTable } from "../../routes/route_table.ts";
import { usage } from "../options/getopt.ts";

/** Port of a target without one. */
const DEFAULT_PORT = 443;

/**
 * Reads `HOST`, `HOST:PORT` or `[IPv6]:PORT` as the request of a client.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE`.
 */
export function readTarget(
  text: string,
  network: "tcp" | "udp" = "tcp",
): RouteQuestion & { readonly host: string } {
  const parts = /^\[([^\]]*)\](?::(\d+))?$/.exec(text) ??
    (text.split(":").length === 2 ? /^(.*):(\d+)$/.exec(text) : null);
  const host = parts?.[1] ?? text;
  const port = Number(parts?.[2] ?? DEFAULT_PORT);
  const address = routeAddress(host);
  const isHost = address !== undefined || /^[^\s/:[\]]+$/.test(host);
  if (!isHost || !(port >= 1 && port <= 0xffff)) {
    // The target is not repeated: it may be a password.
    throw usage("Invalid TARGET: expected HOST or HOST:PORT");
  }
  return {
    host,
    port,
    network,
    ...address ? { addresses: [address] } : { name: questionName(host) },
  };
}

/**
 * Describes the decision and its rule.
 *
 * @param text The target.
 * @param addresses The addresses of its name; `undefined` if it was not
 * resolved.
 */
export function explainRoute(
  table: RouteTable,
  text: string,
  options: {
    readonly network?: "tcp" | "udp";
    readonly addresses?: readonly Uint8Array[] | undefined;
  } = {},
): string {
  const { host: _, ...question } = readTarget(text, options.network);
  const decided = table.decide(question);
  if (decided !== undefined) return explainDecision(decided);
  const { addresses } = options;
  if (addresses !== undefined) {
    const resolved = addresses.map(formatIp).join(", ") || "no address";
    const decision = table.decide({ ...question, addresses })!;
    return `${explainDecision(decision)}; it resolves to ${resolved}`;
  }
  const unresolved = table.decide({ ...question, addresses: [] })!;
  return `${explainDecision(unresolved)}, unless its addresses decide ` +
    "otherwise";
}
