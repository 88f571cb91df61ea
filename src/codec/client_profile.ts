/**
 * Complete configurations for one server, which apps import from a URL:
 * sing-box, Clash (mihomo, Stash), Outline.
 *
 * All traffic except that to private addresses uses the server, and names are
 * resolved through it.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { formatAddress } from "./address.ts";
import { toClash, toSingBox } from "./foreign_outbounds.ts";
import type { ListedServer, OnlineServer } from "./sip008.ts";
import { splitPlugin } from "./plugin_options.ts";

/** The resolver, which is queried through the server. */
const RESOLVER = "1.1.1.1";

/**
 * The tag of the only outbound, and the name of the group with the only proxy.
 */
const THROUGH = "umbra";

/**
 * Makes a configuration for sing-box 1.12 or later, as JSON.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` if sing-box does not support the
 * server.
 */
export function singBoxProfile(server: OnlineServer): string {
  const { name, options } = pluginOf(server);
  return `${
    JSON.stringify(
      {
        log: { level: "warn" },
        dns: {
          servers: [
            { type: "https", tag: "far", server: RESOLVER, detour: THROUGH },
            { type: "local", tag: "near" },
          ],
          final: "far",
        },
        inbounds: [{
          type: "tun",
          address: ["172.19.0.1/30", "fdfe:dcba:9876::1/126"],
          auto_route: true,
          strict_route: true,
        }],
        outbounds: [
          {
            ...toSingBox(server),
            tag: THROUGH,
            ...name !== undefined && { plugin: name },
            ...options !== undefined && { "plugin_opts": options },
          },
          { type: "direct", tag: "direct" },
        ],
        route: {
          rules: [
            { action: "sniff" },
            { protocol: "dns", action: "hijack-dns" },
            { ip_is_private: true, outbound: "direct" },
          ],
          final: THROUGH,
          auto_detect_interface: true,
          default_domain_resolver: "near",
        },
      },
      null,
      2,
    )
  }\n`;
}

/** True if sing-box supports the server. */
export function isForSingBox(server: OnlineServer): boolean {
  return !("ssr" in server) &&
    [undefined, "obfs-local", "v2ray-plugin"].includes(pluginOf(server).name);
}

/** True if {@link clashProfile} can be written. */
export function isForClash(server: OnlineServer): boolean {
  return pluginOf(server).name === undefined;
}

/**
 * Makes a configuration for Clash, as YAML.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for a plugin, because Clash has its
 * own form for plugin options.
 */
export function clashProfile(server: OnlineServer): string {
  if (!isForClash(server)) throw noForm("Clash", "plugins by other names");
  // With the host, the name differs from the group's and from Clash's own
  // names.
  const tag = `${server.tag ?? THROUGH}@${server.host}`;
  const group = { name: THROUGH, type: "select", proxies: [tag] };
  return `mode: rule
ipv6: true
dns:
  enable: true
  enhanced-mode: fake-ip
  nameserver: ["https://${RESOLVER}/dns-query#${THROUGH}"]
  proxy-server-nameserver: [system]
proxies:
${toClash({ ...server, tag })}proxy-groups:
  - ${JSON.stringify(group)}
rules:
  - IP-CIDR,10.0.0.0/8,DIRECT,no-resolve
  - IP-CIDR,172.16.0.0/12,DIRECT,no-resolve
  - IP-CIDR,192.168.0.0/16,DIRECT,no-resolve
  - MATCH,${THROUGH}
`;
}

/** The methods that Outline supports. */
const OUTLINE_METHODS: readonly string[] = [
  "chacha20-ietf-poly1305",
  ...["aes-128-gcm", "aes-192-gcm", "aes-256-gcm"],
];

/** True if Outline supports the server. */
export function isForOutline(server: OnlineServer): server is ListedServer {
  return "method" in server && OUTLINE_METHODS.includes(server.method) &&
    server.plugin === undefined;
}

/**
 * Makes a dynamic access key for Outline, as YAML.
 *
 * @param server A server for which {@link isForOutline} returns true.
 */
export function outlineProfile(server: OnlineServer): string {
  if (!isForOutline(server)) {
    throw noForm("Outline", "neither this method nor plugins");
  }
  const { host, port, method, password, prefix } = server;
  const fields: readonly (readonly [string, string])[] = [
    ["$type", "shadowsocks"],
    ["endpoint", formatAddress({ host, port })],
    ["cipher", method],
    ["secret", password],
  ];
  const write = (
    [key, value]: readonly [string, string],
  ): string => `    ${key}: ${JSON.stringify(value)}\n`;
  const common = fields.map(write).join("");
  return `transport:
  $type: tcpudp
  tcp:
${common}${prefix === undefined ? "" : write(["prefix", prefix])}  udp:
${common}`;
}

function pluginOf(
  server: OnlineServer,
): { readonly name?: string; readonly options?: string } {
  return "ssr" in server || server.plugin === undefined
    ? {}
    : splitPlugin(server.plugin);
}

function noForm(program: string, has: string): ConfigError {
  return new ConfigError(
    "ERR_CONFIG_VALUE",
    `Cannot write the server for ${program}: it has ${has}`,
  );
}
