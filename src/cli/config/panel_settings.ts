/**
 * The settings of a panel in a configuration file, and the settings that a
 * panel gives to a server.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { isLoopback } from "../../codec/loopback.ts";
import type { PanelNode } from "../../codec/uniproxy.ts";
import { findMethod } from "../../crypto/method.ts";
import { badValue } from "../../errors.ts";
import { DEFAULT_PANEL_MS } from "../../limits.ts";
import type { PanelAddress } from "../../service/panel/panel_client.ts";
import { PANEL, PANEL_OBJECT } from "../settings/panel.ts";
import { fromObject } from "../settings/read.ts";
import { knownKeys } from "../settings/tables.ts";
import type { ConfigObject, NamedConfig } from "./config_file.ts";
import type { FoundServers } from "./find_servers.ts";
import { passwordSecret, Secrets, type Sources } from "./secrets.ts";
import type { ServerSettings } from "./server_settings.ts";
import { readUrl, URL_EXPECTED } from "./values.ts";

/** The settings of a panel. */
export interface PanelSettings extends PanelAddress {
  /** True if a traffic report that may have arrived is sent again. */
  readonly resends: boolean;
  /** One sentence for each warning. */
  readonly warnings: readonly string[];
}

/** Returns the object of a file that names a panel. */
export function panelObject(
  file: ConfigObject | undefined,
): ConfigObject | undefined {
  const key = PANEL_OBJECT.panel.key!;
  return file?.isEmpty(key) ? undefined : file?.child(key);
}

/**
 * Reads the settings of the panel, if the file names one.
 *
 * @throws {ConfigError} With the place of the mistake.
 */
export function panelSettings(
  file: NamedConfig | undefined,
  sources: Sources,
): PanelSettings | undefined {
  const object = panelObject(file?.object);
  if (file === undefined || object === undefined) return undefined;
  const secrets = new Secrets(sources, file);
  const said = fromObject(PANEL, object, "panel");
  const { nodeId, token, tokenFile, resends = false } = said;
  if (nodeId === undefined) {
    throw object.wrong("node_id", PANEL.nodeId.kind.expected);
  }
  if (token !== undefined && tokenFile !== undefined) {
    throw badValue(
      `${object.where("token_file")} and "token" exclude each other: give ` +
        "one",
    );
  }
  if (token === undefined && tokenFile === undefined) {
    throw object.wrong("token", 'text, or "token_file"');
  }
  const secret = token === undefined
    ? secrets.read(
      resolve(dirname(file.name), tokenFile!),
      object.where("token_file"),
    )
    : secrets.password(token, object.where("token"));
  return {
    url: addressOf(object, said),
    nodeId,
    token: secret.text,
    resends,
    warnings: [
      ...secrets.warnings,
      ...object.unknownKeys(knownKeys("panel")),
    ],
  };
}

function addressOf(
  object: ConfigObject,
  { url: text, plain = false }: {
    readonly url?: string;
    readonly plain?: boolean;
  },
): URL {
  const url = text === undefined ? undefined : readUrl(text);
  const isWhole = url !== undefined && url.search === "" && url.hash === "" &&
    url.username === "" && url.password === "";
  if (!isWhole) {
    throw object.wrong("url", `${URL_EXPECTED}, without query or fragment`);
  }
  if (url.protocol === "https:" || plain || isLoopback(url.hostname)) {
    return url;
  }
  throw object.wrong(
    "url",
    'https, or "plain": true if others cannot read the token on its path',
  );
}

/**
 * The settings assumed for a panel that was not asked, because nothing is
 * started.
 */
export const UNASKED: PanelNode = {
  method: "2022-blake3-aes-256-gcm",
  port: 8388,
  serverKey: new Uint8Array(32).toBase64(),
  pushMs: DEFAULT_PANEL_MS,
  pullMs: DEFAULT_PANEL_MS,
  plugin: undefined,
  routes: [],
};

/**
 * Completes servers with the settings of their panel.
 *
 * @param node Not set if the panel was not asked.
 * @throws {ConfigError} If file and panel contradict each other.
 */
export function withPanel(
  found: FoundServers,
  file: ConfigObject,
  node: PanelNode | undefined,
): FoundServers {
  const where = panelObject(file)!.where();
  if (node === undefined) {
    throw badValue(
      `${where}: port, method and users are on the panel, and only \`umbra ` +
        "server` reads them",
    );
  }
  const complete = (server: ServerSettings): ServerSettings =>
    fromPanel(server, node, where);
  const servers = found.servers.map(complete);
  const ports = new Set(servers.map(({ port }) => port));
  if (ports.size > 1) {
    throw badValue(
      `${where}: a node of a panel has one port, and the file has several`,
    );
  }
  return { ...found, servers, unnamed: complete(found.unnamed) };
}

function fromPanel(
  server: ServerSettings,
  node: PanelNode,
  where: string,
): ServerSettings {
  const { method, secret, users, plugin, port } = server;
  const said = method !== undefined
    ? "method"
    : secret !== undefined
    ? "password"
    : users !== undefined
    ? "users"
    : undefined;
  if (said !== undefined) {
    throw badValue(`${where}: the panel sets "${said}": leave it out`);
  }
  if (node.plugin !== undefined && plugin === undefined) {
    throw badValue(
      `${where}: the panel makes clients use plugin ${node.plugin}: give ` +
        '"plugin" in the file, or take it out of the node',
    );
  }
  return {
    ...server,
    port: port ?? node.port,
    method: findMethod(node.method),
    secret: node.serverKey === undefined
      ? undefined
      : passwordSecret(node.serverKey, `${where}: the panel's server_key`),
    users: [],
  };
}
