/**
 * A server as a link, in the form that its method has.
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

/** The server of a link. */
export interface LinkedServer {
  /** Name or IP address. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  readonly method: Method;
  /** The password of the client. */
  readonly password: string;
  /** The layers around the cipher of ShadowsocksR. */
  readonly ssr?: SsrSettings | undefined;
  /** Program in front of it, and its options, as clients have them. */
  readonly plugin?: string | undefined;
  /** `UID:PASSWORD` of a user of ShadowsocksR. */
  readonly protocolParam?: string | undefined;
  /** The carrier of the streams. */
  readonly transport?: WebSocketTransport | undefined;
  /** The text with which the salt of each stream begins. */
  readonly prefix?: string | undefined;
  /** The user of the link, where a server has several. */
  readonly user?: string | undefined;
  /** Name for people. */
  readonly tag?: string | undefined;
}

/** Stands for a password where a method has none: no link goes without. */
export const NO_PASSWORD = "none";

/**
 * `ss://`, `ssr://`, or `http://HOST:PORT/#PASSWORD` of lightsocks.
 *
 * @throws {ConfigError} `ERR_SS_URI_INVALID` when a part cannot be written.
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

/** A WebSocket has the name that v2ray-plugin gives it in links. */
function pluginOf(
  { plugin, transport, port }: LinkedServer,
): { readonly plugin?: string } {
  if (transport === undefined) return plugin === undefined ? {} : { plugin };
  const native = toV2rayPlugin(transport);
  if (native !== undefined) return { plugin: native };
  throw new ConfigError(
    "ERR_SS_URI_INVALID",
    `Cannot write the server of port ${port} as ss://: a WebSocket for packets, ` +
      "and headers of its own, have no such form",
  );
}
