/**
 * Writes a server as a link, in the form of its method.
 *
 * @module
 */
import { formatLightsocksUrl } from "../../codec/lightsocks_config.ts";
import { parseLightsocksPassword } from "../../codec/lightsocks_password.ts";
import { formatSsrUri, plainName } from "../../codec/ssr_uri.ts";
import { formatServerUri } from "../../codec/uri.ts";
import { toV2rayPlugin } from "../../codec/v2ray_plugin.ts";
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";
import { ConfigError } from "../../errors.ts";
import type { Method } from "../../crypto/method.ts";
import type { SsrSettings } from "../../session/family.ts";

/** The settings of a server that a link contains. */
export interface LinkedServer {
  /** Name or IP address. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  readonly method: Method;
  /** The password of the client. Secret. */
  readonly password: string;
  /** The layers of ShadowsocksR around the cipher. */
  readonly ssr?: SsrSettings | undefined;
  /** The plugin program and its options, in the form for clients. */
  readonly plugin?: string | undefined;
  /** `UID:PASSWORD` of a user of ShadowsocksR. */
  readonly protocolParam?: string | undefined;
  /** The transport of streams, if it is not plain TCP. */
  readonly transport?: WebSocketTransport | undefined;
  /** The text with which the salt of each stream begins. */
  readonly prefix?: string | undefined;
  /** The user of the link, if the server has several. */
  readonly user?: string | undefined;
  /** Display name. */
  readonly tag?: string | undefined;
}

/**
 * The password in links of methods that have no password: the form of links
 * needs one.
 */
export const NO_PASSWORD = "none";

/**
 * Writes a link: `ss://`, `ssr://`, or `http://HOST:PORT/#PASSWORD` for
 * lightsocks.
 *
 * @throws {ConfigError} `ERR_SS_URI_INVALID` if a setting cannot be written.
 */
export function formatLink(
  link: LinkedServer,
): string {
  const { host, port, method, password, ssr, protocolParam, prefix, tag } =
    link;
  if (method.family.name === "lightsocks") {
    return formatLightsocksUrl(
      { host, port },
      parseLightsocksPassword(password),
    );
  }
  const server = { host, port, method: method.name, password };
  const named = tag === undefined ? {} : { tag };
  if (ssr === undefined) {
    return formatServerUri({
      ...server,
      ...pluginOf(link),
      ...(prefix && { prefix }),
      ...named,
    });
  }
  return formatSsrUri({
    ...server,
    ...named,
    protocol: plainName(ssr.protocol),
    obfs: plainName(ssr.obfs),
    ...(ssr.obfsParam && { obfsParam: ssr.obfsParam }),
    ...(protocolParam && { protocolParam }),
  });
}

/** Returns the plugin of a link. A WebSocket is written as v2ray-plugin. */
function pluginOf(
  { plugin, transport, port }: LinkedServer,
): { readonly plugin?: string } {
  if (transport === undefined) return plugin === undefined ? {} : { plugin };
  const native = toV2rayPlugin(transport);
  if (native !== undefined) return { plugin: native };
  throw new ConfigError(
    "ERR_SS_URI_INVALID",
    `Cannot write the server of port ${port} as ss://: the form has no ` +
      "WebSocket for UDP and no own headers",
  );
}
