/**
 * Judges the facts about this machine. No I/O.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { parseIp } from "../../codec/ip_address.ts";
import type { Choice } from "../../crypto/choice.ts";
import type { Method } from "../../crypto/method.ts";
import type { ErrorCode } from "../../errors.ts";
import { MAX_CONNECTIONS, MIN_DESCRIPTORS } from "../../limits.ts";
import type { TargetPolicy } from "../../security/target_policy.ts";
import { connectionCapacity } from "../../service/service.ts";
import type { ServerUser } from "../../session/server_user.ts";
import type { Endpoint } from "../../transport.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { MORE_DESCRIPTORS } from "../run/descriptor_floor.ts";
import type { ProviderName } from "../tools/crypto.ts";
import type { Owner } from "./machine_facts.ts";

/** Connections below which a warning is given: one web page opens dozens. */
const FEW_CONNECTIONS = 400;

/**
 * Returns the finding `descriptors`.
 *
 * @param limit The limit of this process; that of a service may differ.
 */
export function judgeDescriptors(limit: number | undefined): Finding {
  const check = findingsOf("descriptors");
  if (limit === undefined) {
    return check.skip("unknown; Deno shows it only with -A");
  }
  const connections = connectionCapacity(limit, MAX_CONNECTIONS);
  const detail = `${limit} for this process, enough for ${connections} ` +
    "connections";
  return connections < FEW_CONNECTIONS
    ? check[limit < MIN_DESCRIPTORS ? "fail" : "warn"](detail, MORE_DESCRIPTORS)
    : check.ok(detail);
}

/**
 * Returns the finding `crypto` for one method in use.
 *
 * @param library The path of OpenSSL; not set if it is not found.
 * @param flag The flag that Deno lacks to use OpenSSL; not set if none is
 * missing.
 */
export function judgeCrypto(
  method: Method,
  choice: Choice<Pick<Method, "name">, ProviderName>,
  library: string | undefined,
  flag: string | undefined,
): Finding {
  const check = findingsOf("crypto");
  const chosen = choice.chosen(method);
  const trials = choice.trials.filter((one) => one.method.name === method.name);
  const fault = trials.find((one) => one.fault !== undefined);
  if (chosen === undefined) {
    return check.fail(`no provider for ${method.name}`);
  }
  const { speed } = trials.find(({ provider }) => provider === chosen)!;
  const detail = `${method.name}: ${chosen.name} ${chosen.version}, ` +
    `${Math.round(speed)} MiB/s on one core`;
  if (fault !== undefined) {
    return check.warn(
      `${detail}; ${fault.provider.name} was refused: ${fault.fault}`,
      "report this; `umbra check crypto` shows all of it",
    );
  }
  if (chosen.name === "openssl") return check.ok(detail);
  const advice = flag !== undefined
    ? `OpenSSL may be faster: run Deno with ${flag}`
    : library === undefined
    ? "OpenSSL's library, often faster, is not found here"
    : undefined;
  return check.ok(detail, advice);
}

/**
 * Returns the finding `file`: if other users may access a file with secrets.
 */
export function judgeMode(path: string, mode: number | undefined): Finding {
  const check = findingsOf("file");
  if (mode === undefined) {
    return check.skip(`${path}: its mode is unknown`);
  }
  const digits = mode.toString(8).padStart(3, "0");
  const others = [
    ...(mode & 0o004 ? ["read"] : []),
    ...(mode & 0o022 ? ["change"] : []),
  ];
  if (others.length === 0) {
    return check.ok(`${path} has mode ${digits}`);
  }
  return check.warn(
    `${path} has mode ${digits}: other users of this machine may ` +
      `${others.join(" and ")} it, and it holds secrets`,
    `chmod 600 ${path}`,
  );
}

/** The result of an attempt to listen. */
export interface ListenAttempt {
  readonly endpoint: Endpoint;
  /** The kind of port. */
  readonly kind: "tcp" | "udp";
  /** The error; not set if the attempt succeeded. */
  readonly code?: ErrorCode;
  /** The process that has the port, if known. */
  readonly owner?: Owner | undefined;
  /** True if the process that has the port accepted the configured key. */
  readonly takesKey?: boolean;
}

/** Names under which this program may run. */
const OUR_NAMES = ["umbra", "ss-local", "ss-server", "ss-tunnel", "ss-redir"];

/** Returns the finding `port`. */
export function judgePort(attempt: ListenAttempt): Finding {
  const { endpoint, kind, code, owner, takesKey } = attempt;
  const check = findingsOf("port");
  const name = `${formatAddress(endpoint)} (${kind.toUpperCase()})`;
  const fail = (
    detail: string,
    advice: string,
  ): Finding => check.fail(`${name}: ${detail}`, advice);
  switch (code) {
    case undefined:
      return check.ok(`${name} is free`);
    case "ERR_NET_ADDRESS_IN_USE": {
      const by = owner === undefined
        ? ""
        : ` by ${owner.name} (process ${owner.pid})`;
      if (takesKey || OUR_NAMES.includes(owner?.name ?? "")) {
        const proof = takesKey ? ", which takes this key" : "";
        return check.ok(`${name}: already listening${by}${proof}`);
      }
      return check.warn(
        `${name} is in use${by}`,
        "well if that is this service; else stop it, or choose " +
          "another port",
      );
    }
    case "ERR_NET_PERMISSION":
      return fail(
        "may not be listened on",
        endpoint.port < 1_024
          ? "use a port from 1024 on, or AmbientCapabilities=" +
            "CAP_NET_BIND_SERVICE; Deno needs --allow-net"
          : "run Deno with --allow-net for this address",
      );
    case "ERR_NET_ADDRESS_UNAVAILABLE":
      return fail(
        "this machine does not have that address",
        "listen on 0.0.0.0, [::] or an address that `ip address` shows",
      );
    default:
      return fail(`cannot be listened on (${code})`, "see -v of the service");
  }
}

/** Addresses that clients should not reach by default, and what they are. */
const PRIVATE: readonly (readonly [ip: string, what: string])[] = [
  ["127.0.0.1", "this machine itself"],
  ["169.254.169.254", "the metadata service of clouds"],
  ["10.0.0.1", "private networks"],
  ["192.168.0.1", "private networks"],
  ["fd00::1", "private networks"],
];

/** Returns the finding `targets`: what clients of this server may reach. */
export function judgePolicy(policy: TargetPolicy): Finding {
  const check = findingsOf("targets");
  const open = PRIVATE.filter(([ip]) => policy(ip) === undefined)
    .map(([, what]) => what);
  return open.length === 0
    ? check.ok("clients reach public addresses only")
    : check.warn(
      `clients reach ${[...new Set(open)].join(", ")}`,
      "name single networks with --allow-private CIDR, not `all`",
    );
}

/**
 * Users of one port with a 2017 method above which a warning is given: each
 * connection of a stranger costs one trial per user.
 */
const MANY_TRIALS = 100;

/** Returns the finding `users`. */
export function judgeUsers(
  users: readonly ServerUser[],
  method: Method,
  nowUnixMs: number,
): Finding {
  const check = findingsOf("users");
  const expired = users.filter(({ limits, disabled }) =>
    !disabled && (limits?.expiresUnixMs ?? Infinity) <= nowUnixMs
  ).map(({ name }) => name);
  const detail = `${users.length} users with ${method.name}`;
  if (expired.length > 0) {
    return check.warn(
      `${detail}; their time is over: ${someOf(expired)}`,
      'remove them, or set a later "expires"',
    );
  }
  if (method.userKind === "trial" && users.length > MANY_TRIALS) {
    return check.warn(
      `${detail}, which tries every key for every stranger`,
      "a 2022 method with AES finds any number of users at once",
    );
  }
  return check.ok(detail);
}

/** Lists the first five names, and the number of the rest. */
function someOf(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(", ");
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

/**
 * Returns the finding `dns`.
 *
 * @param host The name that was looked up, or an IP address.
 * @param tookMs Milliseconds that the lookup took.
 * @param addresses The addresses; empty if the name was not found.
 * @param reason The reason of the failure.
 */
export function judgeDns(
  host: string,
  tookMs: number,
  addresses: readonly string[],
  reason: string | undefined,
): Finding {
  const check = findingsOf("dns");
  if (parseIp(host) !== undefined) {
    return check.ok(`${host} is an address, no name`);
  }
  const ms = Math.round(tookMs);
  if (addresses.length === 0) {
    return check.fail(
      `${host}: ${reason ?? "no address"}, after ${ms} ms`,
      "check the spelling, and /etc/resolv.conf of this machine",
    );
  }
  const detail = `${host} is ${someOf(addresses)}, found in ${ms} ms`;
  return ms > SLOW_DNS_MS
    ? check.warn(
      detail,
      "the resolver in /etc/resolv.conf is slow or its first one dead",
    )
    : check.ok(detail);
}

/** Milliseconds from which people notice a lookup. */
const SLOW_DNS_MS = 1_000;
