/**
 * Judges how names are resolved, for `umbra doctor --dns`. No I/O.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { DNS_CODE } from "../../codec/dns_records.ts";
import type { LocalRoutes } from "../../service/routing/rule_router.ts";
import type { Endpoint } from "../../transport.ts";
import { isItself, nameservers } from "../config/dns_settings.ts";
import { type Finding, findingsOf } from "./finding.ts";

const FAKE_IP = findingsOf("fake-ip");

/**
 * Returns the finding `dns system`: the resolver that programs without proxy
 * settings ask.
 *
 * @param text The text of /etc/resolv.conf; not set if it cannot be read.
 * @param listen The address of the DNS inbound.
 */
export function judgeSystemResolvers(
  text: string | undefined,
  listen: Endpoint,
): Finding {
  const check = findingsOf("dns system");
  const at = formatAddress(listen);
  const all = nameservers(text ?? "");
  if (all.length === 0) {
    return check.skip("/etc/resolv.conf of this machine names no resolver");
  }
  const others = all.filter((one) => !isItself(one, listen))
    .map(({ host }) => host);
  if (others.length === 0) {
    return check.ok(`programs ask ${at}, which /etc/resolv.conf names alone`);
  }
  const isAfterUs = others.length < all.length && isItself(all[0]!, listen);
  return check.warn(
    `programs ask ${others.join(", ")} as well` +
      (isAfterUs
        ? `, whenever ${at} is slow: names leak past Umbra`
        : `, and not ${at} first: names leak past Umbra`),
    listen.port === all[0]!.port
      ? `leave "nameserver ${listen.host}" alone in /etc/resolv.conf, or let ` +
        "programs use socks5h:// or HTTP, which send names"
      : "/etc/resolv.conf knows no port: listen on port 53, or name " +
        `${at} in dnsmasq or systemd-resolved`,
  );
}

/**
 * Returns the finding `dns leak`: this machine may look up the name of a target
 * that is reached through a server.
 *
 * @param all The routes of each local; not set if a local has none.
 * @param looked The number of such lookups of the running program; not set if
 * no program could be asked.
 */
export function judgeLookups(
  all: readonly (LocalRoutes | undefined)[],
  looked: number | undefined,
): Finding {
  const check = findingsOf("dns leak");
  const seen = looked === undefined
    ? ""
    : `; the program that runs did so ${looked} times`;
  const isOpen = all.some((one) => one?.resolve === "local" && !one.leakGuard);
  if (isOpen || looked) {
    return check.warn(
      "names are looked up on this machine where rules compare their " +
        `addresses${seen}`,
      '"resolve": "remote" asks the server for them, "never" spares ' +
        'it, "leak_guard": true refuses it',
    );
  }
  const here = all.some((one) =>
    one?.table.routes().some(({ to }) => to === "direct")
  );
  return check.ok(
    (here
      ? "this machine looks up targets of direct routes alone"
      : "this machine looks up no target") + seen,
  );
}

/** The answer to one question. */
export interface NameAnswer {
  /** The response code. RFC 1035 §4.1.1. */
  readonly code: number;
  /** The addresses as text. */
  readonly addresses: readonly string[];
  /** Milliseconds until the answer. */
  readonly tookMs: number;
}

/** A resolver and the way that leads to it. */
export interface NamedWay {
  /** The name of the way, as routes use it. */
  readonly way: string;
  /** The resolver, as the command line has it. */
  readonly resolver: string;
}

/**
 * Returns the finding `dns resolver`.
 *
 * @param answer The answer; not set if none came.
 * @param waitMs Milliseconds that the answer was waited for.
 */
export function judgeResolver(
  one: NamedWay,
  answer: NameAnswer | undefined,
  waitMs: number,
): Finding {
  const check = findingsOf("dns resolver");
  const asked = `${one.resolver}, asked ${through(one.way)}`;
  if (answer === undefined) {
    return check.fail(
      `${asked}, does not answer within ${waitMs / 1_000} s`,
      one.way === "direct"
        ? "name another one with --dns-direct"
        : "start the server with -u, or name a resolver that it reaches with " +
          "--dns-upstream",
    );
  }
  const took = Math.round(answer.tookMs);
  if (answer.code === DNS_CODE.failure || answer.code > DNS_CODE.noName) {
    return check.warn(
      `${asked}, refuses or fails (code ${answer.code}), in ${took} ms`,
      "name another one with " +
        (one.way === "direct" ? "--dns-direct" : "--dns-upstream"),
    );
  }
  return check.ok(`${asked}, answers in ${took} ms`);
}

/** The results of the query for one name. */
export interface NameTrial {
  readonly name: string;
  /** The answer; not set if none came. */
  readonly answer: NameAnswer | undefined;
  /** The resolvers that were asked; empty if Umbra answered itself. */
  readonly asked: readonly NamedWay[];
  /** True if an address of the answer is a fake IP. */
  readonly isMadeUp: boolean;
  /** The name that a local connects to for the address of the answer. */
  readonly meant: string | undefined;
}

/**
 * Returns the finding `dns name`: the resolver that answers a name, and its
 * answer.
 */
export function judgeName(
  { name, answer, asked, isMadeUp }: NameTrial,
): Finding {
  const check = findingsOf("dns name");
  const by = asked.length === 0
    ? isMadeUp ? "made up here, for the server to look up" : "answered by Umbra"
    : asked.map(({ way, resolver }) => `by ${resolver} ${through(way)}`)
      .join(", then ");
  if (answer === undefined) {
    return check.fail(
      `${name} is not answered${asked.length === 0 ? "" : ` ${by}`}`,
      "see `dns resolver`; `umbra route` shows which rule sends it there",
    );
  }
  if (answer.addresses.length > 0) {
    return check.ok(`${name} is ${answer.addresses.join(", ")}, ${by}`);
  }
  const nothing = answer.code === DNS_CODE.noName
    ? "there is no such name"
    : answer.code === DNS_CODE.ok
    ? "it has no IPv4 address"
    : `code ${answer.code}`;
  return check.warn(
    `${name}: ${nothing}, ${by}`,
    asked.length === 0
      ? "a route blocks it: `umbra route` shows which"
      : "check the spelling, or ask another resolver",
  );
}

/**
 * Returns the finding `fake-ip` or `dns memory`: if rules for names apply to a
 * program that connects to the address in its answer.
 */
export function judgeMemory(
  { name, answer, isMadeUp, meant }: NameTrial,
): Finding | undefined {
  const address = answer?.addresses[0];
  if (address === undefined) return undefined;
  const check = findingsOf(isMadeUp ? "fake-ip" : "dns memory");
  if (meant === name) {
    return check.ok(
      isMadeUp
        ? `a connection to ${address} leads to ${name}, which the server looks up`
        : `rules on names hold for ${address}: it is known as ${name}`,
    );
  }
  return check.fail(
    `${address} was the answer for ${name}, and is ` +
      (meant === undefined ? "not known any more" : `taken for ${meant}`),
    "report this",
  );
}

/** Returns the finding `fake-ip` for a name that keeps its true address. */
export function judgeTrueAddress(trial: NameTrial): Finding {
  return FAKE_IP.ok(
    `${trial.name} keeps its address: a route sends it directly, or ` +
      "fake_ip_filter has it",
  );
}

function through(way: string): string {
  return way === "direct"
    ? "from this machine"
    : way === "proxy"
    ? "through the server"
    : `through ${way}`;
}
