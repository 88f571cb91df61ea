/**
 * Judges key, method and target by the reactions of a server. No I/O.
 *
 * A server is silent to clients that do not know the key, and answers quickly
 * to those that do: it closes the connection if a target cannot be reached. So
 * a request for a target that never exists, compared with random bytes, shows
 * if the server accepted the key.
 *
 * @module
 */
import { type Address, formatAddress } from "../../codec/address.ts";
import type { Method } from "../../crypto/method.ts";
import type { ErrorCode } from "../../errors.ts";
import { MAX_TIMESTAMP_SKEW_S } from "../../limits.ts";
import { type Finding, findingsOf } from "./finding.ts";
import type { Reaction } from "./probe_server.ts";

const KEY = findingsOf("key");
const TARGET = findingsOf("target");
const CONNECT = findingsOf("connect");
const UDP = findingsOf("udp");

/** The requests that were sent, and the reactions of the server. */
export interface Evidence {
  /** The configured method of the server. */
  readonly method: Method;
  /** The target of the request. */
  readonly target: Address;
  /** The reaction to the request. */
  readonly answer: Reaction;
  /** The reactions to further requests, if the first one showed nothing. */
  readonly controls?: Controls;
  /** True if the server was silent to other time stamps as well. */
  readonly clocksTried?: boolean;
  /** Milliseconds that each reaction was waited for. */
  readonly waitMs: number;
}

/** The reactions to a request that must fail, and to random bytes. */
export interface Controls {
  /** The reaction to a request for a target that never exists. */
  readonly nowhere: Reaction;
  /** The reaction to random bytes. */
  readonly garbage: Reaction;
}

/**
 * True if the two reactions show that the server has the same key and method.
 */
export function understands({ nowhere, garbage }: Controls): boolean {
  return nowhere.kind === "answer" ||
    nowhere.kind === "closed" && garbage.kind === "silent";
}

/** Returns the findings `key` and, if the key is right, `target`. */
export function judgeServer(evidence: Evidence): Finding[] {
  const { answer, method, controls } = evidence;
  if (answer.kind === "answer") {
    return [rightKey(method, "the server answers"), targetAnswered(evidence)];
  }
  if (answer.kind === "foreign") return [judgeForeign(evidence, answer)];
  if (controls === undefined) return [];
  if (understands(controls)) {
    return [
      rightKey(method, "the server refuses at once what cannot be reached"),
      targetFailed(evidence),
    ];
  }
  return [wrongKey(evidence, controls)];
}

function rightKey(method: Method, why: string): Finding {
  return KEY.ok(`password and method ${method.name} are right: ${why}`);
}

function targetAnswered({ target, answer }: Evidence): Finding {
  const afterMs = answer.kind === "answer" ? answer.afterMs : 0;
  return TARGET.ok(
    `${formatAddress(target)} answered through the server in ` +
      `${Math.round(afterMs)} ms`,
  );
}

function targetFailed({ target, answer, waitMs }: Evidence): Finding {
  const name = formatAddress(target);
  return answer.kind === "silent"
    ? TARGET.fail(
      `${name} said nothing through the server in ${waitMs / 1_000} s`,
      "name a target that answers HTTP with --target HOST:PORT; if " +
        "none does, the server has no way to the internet",
    )
    : TARGET.fail(
      `the server could not reach ${name}, or may not`,
      "see the server's log: the user may be disabled, expired or " +
        "over its quota; a private address needs --allow-private there; its " +
        "own DNS may be broken",
    );
}

/** Judges an answer that the key does not open, or with a wrong time stamp. */
function judgeForeign(
  { method }: Evidence,
  { code, bytes }: Reaction & { kind: "foreign" },
): Finding {
  if (code === "ERR_SS_TIMESTAMP") {
    return KEY.fail(
      `password and method ${method.name} are right, but the clocks ` +
        `differ by more than ${MAX_TIMESTAMP_SKEW_S} s`,
      SET_CLOCKS,
    );
  }
  const protocol = spokenBy(bytes);
  return KEY.fail(
    protocol === undefined
      ? `what answers is not sealed with this password and ${method.name}`
      : `what answers speaks ${protocol}, not Shadowsocks`,
    protocol === undefined
      ? "compare method, password and port with the server's configuration"
      : "compare the port with the server's configuration; a plugin may be " +
        "in front of it",
  );
}

/** The advice on clocks. */
export const SET_CLOCKS =
  "set the clock of this machine and of the server (timedatectl set-ntp true)";

function wrongKey(
  { method, clocksTried }: Evidence,
  { nowhere, garbage }: Controls,
): Finding {
  if (garbage.kind === "foreign") {
    const protocol = spokenBy(garbage.bytes) ?? "something else";
    return KEY.fail(
      `what listens there speaks ${protocol}, not Shadowsocks`,
      "compare the port with the server's configuration; a plugin " +
        "may be in front of it",
    );
  }
  if (nowhere.kind === "silent" && garbage.kind === "silent") {
    const isStamped = method.family.needsClock && clocksTried;
    return KEY.fail(
      "the server is silent, as to bytes that mean nothing" +
        (isStamped ? " and to the time stamps of other clocks" : "") +
        ": wrong password or method",
      "compare method and password with the server's configuration" +
        (isStamped
          ? "; --clock-url http://… compares this machine's clock with a web " +
            "server's, should it be wrong by days"
          : ""),
    );
  }
  return KEY.fail(
    "the server hangs up on our request and on bytes that mean " +
      "nothing alike: no Shadowsocks server, a wrong password or a wrong method",
    "compare host, port, method, password and plugin with the " +
      "server's configuration",
  );
}

/**
 * Returns the protocol of a server that answers strangers, by its first bytes.
 */
function spokenBy(bytes: Uint8Array): string | undefined {
  const text = new TextDecoder("latin1").decode(bytes.subarray(0, 16));
  return STARTS.find(([start]) => start.test(text))?.[1];
}

const STARTS: readonly (readonly [start: RegExp, protocol: string])[] = [
  [/^HTTP\/|^</, "HTTP"],
  [/^SSH-/, "SSH"],
  // deno-lint-ignore no-control-regex -- an alert or a handshake, version 3.x
  [/^[\x15\x16]\x03/, "TLS"],
  [/^(?:220|421|5\d\d)[ -]/, "mail or FTP"],
  // deno-lint-ignore no-control-regex -- a SOCKS5 method reply
  [/^\x05[\x00\x02\xff]/, "SOCKS5"],
];

/**
 * Returns the finding `connect` of a server that cannot be reached.
 *
 * @param code The error of the attempt to connect.
 */
export function judgeUnreachable(
  { host, port }: Address,
  code: ErrorCode,
): Finding {
  const [what, advice] = UNREACHABLE[code] ??
    [`cannot be reached (${code})`, "try from another network"];
  return CONNECT.fail(`${formatAddress({ host, port })} ${what}`, advice);
}

const UNREACHABLE: Readonly<
  Partial<Record<ErrorCode, readonly [what: string, advice: string]>>
> = {
  ERR_NET_REFUSED: [
    "refuses connections",
    "start the server, or compare the port with its configuration",
  ],
  ERR_NET_TIMEOUT: [
    "does not answer",
    "check that the machine runs, and that its firewall opens the port",
  ],
  ERR_NET_UNREACHABLE: [
    "is on a network that cannot be reached",
    "check this machine's own connection; an IPv6 address needs IPv6 here",
  ],
  ERR_NET_HOST_UNREACHABLE: [
    "is not there",
    "check the address, and that the machine runs",
  ],
  ERR_NET_PERMISSION: [
    "may not be connected to",
    "run Deno with --allow-net for this address; or a firewall of this " +
    "machine forbids it",
  ],
};

/**
 * Returns the finding `udp` if a datagram could not be sent.
 *
 * @param code The error of the attempt to send.
 * @param wanted True if the configuration asks for UDP.
 */
export function judgeUnsent(
  { host, port }: Address,
  code: ErrorCode,
  wanted: boolean,
): Finding {
  const [what, advice] = UNSENT[code] ??
    [`cannot be sent (${code})`, "try from another network"];
  return UDP[wanted ? "fail" : "warn"](
    `datagrams to ${formatAddress({ host, port })} ${what}`,
    advice,
  );
}

const UNSENT: Readonly<
  Partial<Record<ErrorCode, readonly [what: string, advice: string]>>
> = {
  ERR_NET_PERMISSION: [
    "are forbidden on this machine",
    "let UDP out of this machine's firewall; or run Deno with --allow-net",
  ],
  ERR_NET_UNREACHABLE: [
    "have no route",
    "check this machine's own connection; an IPv6 address needs IPv6 here",
  ],
  ERR_NET_HOST_UNREACHABLE: [
    "find no server at that address",
    "check the address, and that the machine runs",
  ],
};

/** The reaction to a datagram. */
export type UdpReaction =
  /** The server answered after so many milliseconds. */
  | { readonly kind: "answer"; readonly afterMs: number }
  /** The server did not answer. */
  | { readonly kind: "silent" };

/**
 * Returns the finding `udp`.
 *
 * @param wanted True if the configuration asks for UDP.
 * @param keyIsRight True if the key is known to be right: a server is silent to
 * a wrong one.
 */
export function judgeUdp(
  reaction: UdpReaction,
  target: Address,
  wanted: boolean,
  keyIsRight: boolean,
): Finding {
  const check = findingsOf("udp");
  const name = formatAddress(target);
  if (reaction.kind === "answer") {
    return check.ok(
      `${name} answered a DNS question through the server in ` +
        `${Math.round(reaction.afterMs)} ms`,
    );
  }
  if (!keyIsRight) {
    return check.skip("not checked: the server did not take the key");
  }
  return check[wanted ? "fail" : "warn"](
    `no answer of ${name} through the server over UDP`,
    "if you need UDP: start the server with -u, open its port for " +
      "UDP in the firewall, or name another resolver with --udp-target",
  );
}
