/**
 * Keeps where users go out of the log.
 *
 * @module
 */
import { createHmac } from "node:crypto";
import { explain } from "../../admin/refusals.ts";
import type { LogFields, Logger } from "../../observe.ts";
import type { RandomBytes } from "../../random.ts";

/**
 * How much of a target the log shows: all of it; its port, and a word for its
 * host that is the same until the program ends; or nothing.
 */
export type LogPrivacy = "full" | "hashed" | "none";

/** The default: on a server the targets are other people's. */
export const DEFAULT_LOG_PRIVACY: Readonly<
  Record<"local" | "server", LogPrivacy>
> = { local: "full", server: "hashed" };

/**
 * A logger that writes `target` as `privacy` wants it. Where it is not `full`,
 * what a network or a policy said of a connection is left out as well, and of a
 * route all but the way: those texts name hosts and addresses. The code of the
 * error stays, with what it means where that is a refusal of ours, and so does
 * the client.
 *
 * @param logger Where the lines go.
 * @param randomBytes Makes the key of the words, so that they cannot be looked up.
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

/** Bytes of the key: as many as of the hash. */
const KEY_LENGTH = 32;

/** Hexadecimal digits of a word: few enough to read, and enough to differ. */
const WORD_LENGTH = 12;

/** True if the line is of one client, with a reason that may name its target. */
function namesHosts({ client, target, code }: LogFields): boolean {
  if (client === undefined && target === undefined) return false;
  return /^ERR_NET_|^ERR_POLICY_TARGET$|^ERR_ROUTE_BLOCKED$|^ERR_FAKE_IP_UNKNOWN$/
    .test(String(code));
}

/** Advice to the operator about a refusal of ours, without names. */
function adviceOn({ code }: LogFields): string | undefined {
  return /^ERR_POLICY_|^ERR_ROUTE_/.test(String(code))
    ? explain(String(code)).meaning.replace(/\.$/, "")
    : undefined;
}

/** `direct: [bypass_list] domain "a.test"` → `direct`. */
function wayOf(route: string): string {
  return route.split(": ", 1)[0]!;
}

/** The port tells browsing from mail; the host is private. */
function hashed(target: string, key: Uint8Array): string {
  const [, host = target, port = ""] = /^(.*)(:\d+)$/s.exec(target) ?? [];
  const word = createHmac("sha256", key).update(host.toLowerCase())
    .digest("hex").slice(0, WORD_LENGTH);
  return `~${word}${port}`;
}
