/**
 * Writes the nft rules that redirect to `umbra redir`, as text. Nothing on the
 * system is changed.
 *
 * @module
 */
import type { Redirection } from "../../transport.ts";

/** The settings of the rules. */
export interface RedirRules {
  /** The redirection of TCP, and its port; not set if TCP is not served. */
  readonly tcp:
    | { readonly way: Redirection; readonly port: number }
    | undefined;
  /** The port for UDP; not set if UDP is not served. */
  readonly udp: number | undefined;
  /**
   * The port of the DNS inbound to which all DNS queries are redirected; not
   * set for no redirection.
   */
  readonly dns: number | undefined;
  /** Interfaces whose incoming traffic is redirected. */
  readonly lan: readonly string[];
  /** True to redirect the traffic of this machine. */
  readonly own: boolean;
  /** The user that runs Umbra, whose traffic is excluded. */
  readonly user: string | undefined;
  /** The mark of Umbra's packets, which are excluded. */
  readonly mark: number | undefined;
  /** IP addresses of the servers, which are excluded. */
  readonly servers: readonly string[];
}

/** The name of Umbra's table. */
const TABLE = "inet umbra_redir";

/** The addresses that are never sent through a server. */
const KEPT_IPV4 = [
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8"],
  ...["169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16", "224.0.0.0/4"],
  "240.0.0.0/4",
];
const KEPT_IPV6 = ["::/127", "fc00::/7", "fe80::/10", "ff00::/8"];

/** The number of the routing table for TPROXY. */
const ROUTES = 100;

/** Returns the script for `nft -f`; it may be loaded repeatedly. */
export function redirRules(rules: RedirRules): string {
  const { tcp, udp, servers } = rules;
  const mark = markOf(rules);
  const byTproxy: Tproxied[] = [
    ...tcp?.way === "tproxy" ? [["tcp", tcp.port] as const] : [],
    ...udp === undefined ? [] : [["udp", udp] as const],
  ];
  const ipv6 = servers.filter((ip) => ip.includes(":"));
  const ipv4 = servers.filter((ip) => !ip.includes(":"));
  const routes = byTproxy.length === 0 ? [] : [
    "# nft cannot set routes. Also run these commands, once:",
    ...routeCommands("add", mark).map((line) => `#   ${line}`),
  ];
  return lines([
    "# Redirects to `umbra redir`. Load with: nft -f FILE",
    ...routes,
    `table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    ...set("keep4", "ipv4_addr", [...KEPT_IPV4, ...ipv4]),
    ...set("keep6", "ipv6_addr", [...KEPT_IPV6, ...ipv6]),
    ...byTproxy.length === 0 ? [] : tproxy(rules, byTproxy, mark),
    ...tcp?.way === "redirect"
      ? redirect(rules, {
        name: "redirect",
        rules: [...exceptDns(rules), ...KEEP],
        what: "meta l4proto tcp",
        port: tcp.port,
      })
      : [],
    ...rules.dns === undefined ? [] : redirect(rules, {
      name: "dns",
      rules: [],
      what: DNS,
      port: rules.dns,
    }),
    "}",
  ]);
}

/** Returns the commands that remove the rules. */
export function redirRulesRemoval(rules: RedirRules): string {
  const usesRoutes = rules.tcp?.way === "tproxy" || rules.udp !== undefined;
  return lines([
    `nft delete table ${TABLE}`,
    ...usesRoutes ? routeCommands("delete", markOf(rules)) : [],
  ]);
}

/** A protocol that TPROXY redirects, and its port. */
type Tproxied = readonly [protocol: "tcp" | "udp", port: number];

/** The nft expression for DNS queries. */
const DNS = "meta l4proto { tcp, udp } th dport 53";

/** Excludes DNS queries, which another chain redirects. */
function exceptDns({ dns }: Pick<RedirRules, "dns">): string[] {
  return dns === undefined ? [] : [`    ${DNS} return`];
}

function tproxy(
  { lan, own, ...excluded }: RedirRules,
  taken: readonly Tproxied[],
  mark: number,
): string[] {
  const to = (family: "ip" | "ip6", nfproto: string, from: string): string[] =>
    taken.map(([protocol, port]) =>
      `    ${from} meta nfproto ${nfproto} meta l4proto ${protocol} ` +
      `tproxy ${family} to :${port} meta mark set ${mark} accept`
    );
  const from = [
    ...lan.length > 0 ? [`iifname ${names(lan)}`] : [],
    // Packets that the chain below has marked come back through loopback.
    ...own ? [`iifname "lo" meta mark ${mark}`] : [],
  ];
  return [
    "  chain tproxy_in {",
    "    type filter hook prerouting priority mangle; policy accept;",
    ...exceptDns(excluded),
    ...KEEP,
    ...from.flatMap((one) => [
      ...to("ip", "ipv4", one),
      ...to("ip6", "ipv6", one),
    ]),
    "  }",
    ...own
      ? [
        "  chain tproxy_out {",
        "    type route hook output priority mangle; policy accept;",
        ...exclusions(excluded),
        ...exceptDns(excluded),
        ...KEEP,
        ...taken.map(([protocol]) =>
          `    meta l4proto ${protocol} meta mark set ${mark}`
        ),
        "  }",
      ]
      : [],
  ];
}

/** Traffic that is redirected to a port of this machine. */
interface Redirected {
  /** The name of the chains. */
  readonly name: string;
  /** Rules before the redirection. */
  readonly rules: readonly string[];
  readonly what: string;
  readonly port: number;
}

function redirect(
  { lan, own, ...excluded }: RedirRules,
  { name, rules, what, port }: Redirected,
): string[] {
  return [
    ...lan.length > 0
      ? [
        `  chain ${name}_in {`,
        "    type nat hook prerouting priority dstnat; policy accept;",
        ...rules,
        `    iifname ${names(lan)} ${what} redirect to :${port}`,
        "  }",
      ]
      : [],
    ...own
      ? [
        `  chain ${name}_out {`,
        "    type nat hook output priority -100; policy accept;",
        ...exclusions(excluded),
        ...rules,
        `    ${what} redirect to :${port}`,
        "  }",
      ]
      : [],
  ];
}

/**
 * Excludes Umbra's own traffic, which would otherwise be redirected to Umbra.
 */
function exclusions(
  { user, mark }: Pick<RedirRules, "user" | "mark">,
): string[] {
  return [
    ...user === undefined ? [] : [`    meta skuid ${user} return`],
    ...mark === undefined ? [] : [`    meta mark ${mark} return`],
    "    ct direction reply return",
  ];
}

/** Excludes this machine, its network, and the servers. */
const KEEP = [
  "    fib daddr type local return",
  "    ip daddr @keep4 return",
  "    ip6 daddr @keep6 return",
];

function set(name: string, type: string, elements: string[]): string[] {
  return [
    `  set ${name} {`,
    `    type ${type}; flags interval; auto-merge;`,
    `    elements = { ${elements.join(", ")} }`,
    "  }",
  ];
}

/** Returns a mark that differs from the mark of Umbra's packets. */
function markOf({ mark }: RedirRules): number {
  return mark === 1 ? 2 : 1;
}

function routeCommands(verb: "add" | "delete", mark: number): string[] {
  return ["ip", "ip -6"].flatMap((ip) => [
    `${ip} rule ${verb} fwmark ${mark} lookup ${ROUTES}`,
    `${ip} route ${verb} local default dev lo table ${ROUTES}`,
  ]);
}

function names(interfaces: readonly string[]): string {
  return `{ ${interfaces.map((name) => `"${name}"`).join(", ")} }`;
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join("");
}
