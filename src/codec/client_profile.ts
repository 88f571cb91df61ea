/**
 * One server as whole configurations that apps of phones and computers take
 * from an address: sing-box, Clash (mihomo, Stash), Outline.
 *
 * Everything goes through the server but private addresses, and names are
 * resolved behind it.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { formatAddress } from "./address.ts";
import { toClash, toSingBox } from "./foreign_outbounds.ts";
import type { ListedServer, OnlineServer } from "./sip008.ts";
import { splitPlugin } from "./plugin_options.ts";

/** A resolver that is asked through the server. */
const RESOLVER = "1.1.1.1";

/** Tag of the one outbound, and name of the group of the one proxy. */
const THROUGH = "umbra";

/**
 * A configuration of sing-box 1.12 and later, as JSON.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for what it cannot speak.
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

/** True if sing-box can speak with the server. */
export function isForSingBox(server: OnlineServer): boolean {
  return !("ssr" in server) &&
    [undefined, "obfs-local", "v2ray-plugin"].includes(pluginOf(server).name);
}

/** True if {@link clashProfile} can be written. */
export function isForClash(server: OnlineServer): boolean {
  return pluginOf(server).name === undefined;
}

/**
 * A configuration of Clash, as YAML.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` for a plugin, which it has in words
 * of its own.
 */
export function clashProfile(server: OnlineServer): string {
  if (!isForClash(server)) throw noForm("Clash", "plugins by other names");
  // A name with its host is not that of the group, nor one that Clash has.
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

/** Methods of Outline. */
const OUTLINE_METHODS: readonly string[] = [
  "chacha20-ietf-poly1305",
  ...["aes-128-gcm", "aes-192-gcm", "aes-256-gcm"],
];

/** True if Outline can speak with the server. */
export function isForOutline(server: OnlineServer): server is ListedServer {
  return "method" in server && OUTLINE_METHODS.includes(server.method) &&
    server.plugin === undefined;
}

/**
 * A dynamic access key of Outline, as YAML.
 *
 * @param server One that {@link isForOutline} has nothing against.
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
