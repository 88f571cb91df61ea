/**
 * Hides the targets of users in the log.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { explain } from "../../admin/refusals.ts";
import type { LogFields, Logger } from "../../observe.ts";
import type { RandomBytes } from "../../random.ts";

/**
 * How the log shows a target: completely; as its port and a word for its host,
 * which stays the same until the program ends; or not at all.
 */
export type LogPrivacy = "full" | "hashed" | "none";

/** The default. The targets of a server are those of other people. */
export const DEFAULT_LOG_PRIVACY: Readonly<
  Record<"local" | "server", LogPrivacy>
> = { local: "full", server: "hashed" };

/**
 * Returns a logger that writes `target` according to `privacy`. Unless that is
 * `full`, the reason of a network or policy error and the rule of a route are
 * left out as well, because they name hosts and addresses. The client, the
 * error code, and the meaning of Umbra's own refusals are kept.
 *
 * @param logger Receives the lines.
 * @param randomBytes Makes the key of the words, so that they cannot be looked
 * up in a table.
 */
export function privateLogger(
  logger: Logger,
  privacy: LogPrivacy,
  randomBytes: RandomBytes,
): Logger {
  if (privacy === "full") return logger;
  const key = randomBytes(KEY_LENGTH);
  const tell = privacy === "hashed"
    ? (target: string) => hashed(target, key)
    : () => undefined;
  return {
    enabled: (level) => logger.enabled(level),
    log(level, message, fields = {}): void {
      const { target, reason, route } = fields;
      logger.log(level, message, {
        ...fields,
        target: target === undefined ? undefined : tell(String(target)),
        reason: namesHosts(fields) ? adviceOn(fields) : reason,
        route: route === undefined ? undefined : wayOf(String(route)),
      });
    },
  };
}

/** Length of the key in bytes, as long as the hash. */
const KEY_LENGTH = 32;

/** Hexadecimal digits of a word: short to read, with few collisions. */
const WORD_LENGTH = 12;

/** True if the line is about one client and its reason may name a target. */
function namesHosts({ client, target, code }: LogFields): boolean {
  if (client === undefined && target === undefined) return false;
  return /^ERR_NET_|^ERR_POLICY_TARGET$|^ERR_ROUTE_BLOCKED$|^ERR_FAKE_IP_UNKNOWN$/
    .test(String(code));
}

/** Returns the meaning of a refusal of Umbra, without names. */
function adviceOn({ code }: LogFields): string | undefined {
  return /^ERR_POLICY_|^ERR_ROUTE_/.test(String(code))
    ? explain(String(code)).meaning.replace(/\.$/, "")
    : undefined;
}

/**
 * Returns the way of a route: `direct: [bypass_list] domain "a.test"` →
 * `direct`.
 */
function wayOf(route: string): string {
  return route.split(": ", 1)[0]!;
}

/**
 * Returns a word for the host, with the port. The port shows the kind of
 * traffic; the host is private.
 */
function hashed(target: string, key: Uint8Array): string {
  const [, host = target, port = ""] = /^(.*)(:\d+)$/s.exec(target) ?? [];
  const word = createHmac("sha256", key).update(host.toLowerCase())
    .digest("hex").slice(0, WORD_LENGTH);
  return `~${word}${port}`;
}
