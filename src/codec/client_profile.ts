/**
 * Complete configurations for one server or several, which apps import from a
 * URL: sing-box, Clash (mihomo, Stash), Outline.
 *
 * All traffic except that to private addresses uses a server, and names are
 * resolved through it. With several servers, sing-box uses the fastest one and
 * Clash the first one that works.
 *
 * @module
 */
import { badValue, type ConfigError } from "../errors.ts";
import { formatAddress } from "./address.ts";
import { toClash, toSingBox } from "./foreign_outbounds.ts";
import type { ListedServer, OnlineServer } from "./sip008.ts";
import { splitPlugin } from "./plugin_options.ts";

/** The resolver, which is queried through the server. */
const RESOLVER = "1.1.1.1";

/**
 * The tag of the only outbound or of the group, and the name of the group of
 * proxies.
 */
const THROUGH = "umbra";

/** The URL that apps request through servers to test them. */
const TRIAL = `https://${RESOLVER}/`;

/**
 * Makes a configuration for sing-box 1.12 or later, as JSON.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE` if sing-box does not support the
 * server.
 */
export function singBoxProfile(
  ...servers: readonly [OnlineServer, ...OnlineServer[]]
): string {
  const outbounds = servers.map((server) => {
    const { name, options } = pluginOf(server);
    return {
      ...toSingBox(server),
      tag: servers.length === 1 ? THROUGH : nameOf(server),
      ...name !== undefined && { plugin: name },
      ...options !== undefined && { "plugin_opts": options },
    };
  });
  const group = {
    type: "urltest",
    tag: THROUGH,
    outbounds: outbounds.map(({ tag }) => tag),
    url: TRIAL,
  };
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
          ...outbounds,
          ...servers.length === 1 ? [] : [group],
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
export function clashProfile(
  ...servers: readonly [OnlineServer, ...OnlineServer[]]
): string {
  if (!servers.every(isForClash)) {
    throw noForm("Clash", "plugins by other names");
  }
  const proxies = servers.map(nameOf);
  const group = servers.length === 1
    ? { name: THROUGH, type: "select", proxies }
    : { name: THROUGH, type: "fallback", proxies, url: TRIAL, interval: 300 };
  const lines = servers.map((server) =>
    toClash({ ...server, tag: nameOf(server) })
  );
  return `mode: rule
ipv6: true
dns:
  enable: true
  enhanced-mode: fake-ip
  nameserver: ["https://${RESOLVER}/dns-query#${THROUGH}"]
  proxy-server-nameserver: [system]
proxies:
${lines.join("")}proxy-groups:
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

/**
 * With the host, the name differs from the group's and from the apps' own names.
 */
function nameOf({ tag = THROUGH, host }: OnlineServer): string {
  return `${tag}@${host}`;
}

function pluginOf(
  server: OnlineServer,
): { readonly name?: string; readonly options?: string } {
  return "ssr" in server || server.plugin === undefined
    ? {}
    : splitPlugin(server.plugin);
}

function noForm(program: string, has: string): ConfigError {
  return badValue(`Cannot write the server for ${program}: it has ${has}`);
}
