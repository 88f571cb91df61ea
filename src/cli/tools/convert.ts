/**
 * `umbra convert`: writes servers of any known form in another form, or as a
 * server of Shadowsocks 2022 that replaces them.
 *
 * @module
 */
import {
  isClash,
  isSingBox,
  readClash,
  readSingBox,
  toClash,
  toSingBox,
} from "../../codec/foreign_outbounds.ts";
import {
  type LightsocksConfig,
  toGoConfig,
  toPythonConfig,
} from "../../codec/lightsocks_config.ts";
import { parseLightsocksPassword } from "../../codec/lightsocks_password.ts";
import { splitPlugin } from "../../codec/plugin_options.ts";
import { encodeBase64 } from "../../codec/base64.ts";
import { type OnlineConfig, parseOnlineConfig } from "../../codec/sip008.ts";
import {
  formatWebSocketUrl,
  type WebSocketTransport,
} from "../../codec/websocket_transport.ts";
import { readSubscription } from "../../codec/ssr_uri.ts";
import { toSsrConfig } from "../../codec/ssr_config.ts";
import { findMethod, type Method } from "../../crypto/method.ts";
import { badValue, type ConfigError } from "../../errors.ts";
import type { RandomBytes } from "../../random.ts";
import {
  CONVERT_FORMS,
  DEFAULT_LOCAL,
  INIT_METHOD,
} from "../commands/defaults.ts";
import { findServers, listed, readFile } from "../config/find_servers.ts";
import { parseStrictJson } from "../../codec/json.ts";
import { formatLink, type LinkedServer } from "../config/server_links.ts";
import { linkedServers } from "../config/configure_urls.ts";
import { publicHostOf } from "../config/operator_settings.ts";
import { Secrets, type Sources } from "../config/secrets.ts";
import {
  serverFromParsed,
  serverFromSsr,
  type ServerSettings,
} from "../config/server_settings.ts";
import type { Configured } from "../config/config.ts";
import type { Arguments } from "../options/args.ts";
import { option } from "../options/option_value.ts";
import { alternatives } from "../settings/kinds.ts";
import { generateKey } from "./genkey.ts";
import { usage } from "../options/getopt.ts";

type Form = (typeof CONVERT_FORMS)[number];

/**
 * Returns the servers in another form.
 *
 * @param online The servers of the published list that was fetched.
 * @throws {ConfigError} If there are no servers, or the form cannot express
 * one.
 */
export function convert(
  args: Arguments,
  sources: Sources,
  randomBytes: RandomBytes,
  online?: readonly ServerSettings[],
): Configured<string> {
  const form = option(
    args,
    "to",
    (text) => CONVERT_FORMS.find((one) => one === text),
    alternatives(CONVERT_FORMS),
  ) ?? "json";
  const { result, warnings, publicHost } = read(args, sources, online);
  const servers = linkedServers(result, {
    host: args.last("host") ?? publicHost,
    tag: args.last("tag"),
  });
  const isUpgrade = args.has("upgrade");
  return {
    result: isUpgrade
      ? upgraded(servers, forbiddenOf(result), randomBytes)
      : WRITERS[form](servers),
    warnings: [...warnings, ...leftOut(result, isUpgrade)],
  };
}

/**
 * Returns the targets that clients of each port cannot reach, as keys of a
 * configuration.
 */
function forbiddenOf(
  servers: readonly ServerSettings[],
): ReadonlyMap<number | undefined, Record<string, string>> {
  return new Map(
    servers.map(({ port, forbiddenIps, forbiddenPorts }) => [port, {
      ...forbiddenIps?.text && { forbidden_ip: forbiddenIps.text },
      ...forbiddenPorts?.text && { forbidden_port: forbiddenPorts.text },
    }]),
  );
}

/** Returns the warning about settings of servers that are not in the output. */
function leftOut(
  servers: readonly ServerSettings[],
  isUpgrade: boolean,
): string[] {
  const names = Object.entries(isUpgrade ? OF_THE_OLD : OF_SERVERS)
    .filter(([, isSaid]) => servers.some(isSaid)).map(([name]) => name);
  if (names.length === 0) return [];
  const why = isUpgrade
    ? "give the new server its own"
    : "a client has no such setting";
  return [`left out: ${names.join(", ")}: ${why}`];
}

type IsSaid = (server: ServerSettings) => boolean;

/** Settings of servers that no client has. */
const OF_SERVERS: Readonly<Record<string, IsSaid>> = {
  ["forbidden_ip"]: ({ forbiddenIps }) => Boolean(forbiddenIps?.text),
  ["forbidden_port"]: ({ forbiddenPorts }) => Boolean(forbiddenPorts?.text),
};

/** Settings of servers that an upgrade does not take over. */
const OF_THE_OLD: Readonly<Record<string, IsSaid>> = {
  redirect: ({ redirect = [] }) => redirect.length > 0,
  ["speed_limit_per_user"]: ({ bytesPerSecond = Infinity }) =>
    bytesPerSecond < Infinity,
  ["speed_limit_per_con"]: ({ connectionBytesPerSecond: rate = Infinity }) =>
    rate < Infinity,
  "limits of users": ({ owner, users = [] }) =>
    owner !== undefined || users.some(({ limits }) => limits !== undefined),
};

function read(
  args: Arguments,
  sources: Sources,
  online: readonly ServerSettings[] | undefined,
): Configured<readonly ServerSettings[]> & {
  readonly publicHost?: string | undefined;
} {
  const name = args.last("config");
  const foreign = name === undefined || sources.list?.(name) !== undefined
    ? undefined
    : readForeign(sources.readText(name));
  if (foreign !== undefined) {
    return {
      result: foreign.servers.map((server) => {
        const origin = server.tag ?? `${server.host}:${server.port}`;
        return "ssr" in server
          ? serverFromSsr(server.ssr, origin)
          : serverFromParsed(server, origin);
      }),
      warnings: foreign.warnings,
    };
  }
  const file = readFile(args, sources);
  const secrets = new Secrets(sources, file);
  const found = findServers(args, file, secrets, online);
  if (found.servers.length === 0 && file === undefined) {
    throw usage("No server to convert: give -c FILE, a link, or -s HOST:PORT");
  }
  return {
    result: listed(found, secrets),
    publicHost: file && publicHostOf(file),
    warnings: [...found.warnings, ...secrets.warnings],
  };
}

/**
 * Reads a file of another program or provider; `undefined` for a configuration.
 */
function readForeign(text: string): OnlineConfig | undefined {
  if (isClash(text)) return readClash(text);
  const document = parseStrictJson(text);
  if (isSingBox(document)) return readSingBox(document);
  if (document !== undefined) return undefined;
  return readSubscription(text)?.length ? parseOnlineConfig(text) : undefined;
}

const WRITERS: Readonly<
  Record<Form, (servers: readonly LinkedServer[]) => string>
> = {
  uri: (servers) => lines(servers.map(formatLink)),
  json: (servers) => json(ownConfig(servers)),
  subscription: (servers) =>
    lines([
      encodeText(
        servers.map((server) => formatLink(notLightsocks(server))).join("\n"),
      ),
    ]),
  sip008: (servers) =>
    json({
      version: 1,
      servers: servers.map((server, i) => {
        const { host, port, method, password, prefix, tag } = plain(
          server,
          "SIP008",
        );
        return {
          id: uuid(i),
          remarks: tag ?? `${host}:${port}`,
          server: host,
          server_port: port,
          password,
          method: method.name,
          ...(prefix && { prefix }),
          ...pluginKeys(server),
        };
      }),
    }),
  "sing-box": (servers) =>
    json({
      outbounds: servers.map((server) => ({
        ...toSingBox(entryOf(plain(bare(server, "sing-box"), "sing-box"))),
        ...pluginKeys(server),
      })),
    }),
  clash: (servers) =>
    `proxies:\n${
      servers.map((server) =>
        toClash(entryOf(withoutPlugin(notLightsocks(bare(server, "clash")))))
      ).join("")
    }`,
  shadowsocksr: (servers) => {
    const { host, ...server } = only(servers, "shadowsocksr");
    const { method, ssr, protocolParam = "" } = server;
    if (!("ivLength" in method) || method.family.name === "lightsocks") {
      throw noForm(server, "ShadowsocksR", "only stream ciphers");
    }
    return json(toSsrConfig({
      ...server,
      method: method.name,
      protocol: ssr?.protocol ?? "origin",
      protocolParam,
      obfs: ssr?.obfs ?? "plain",
      obfsParam: ssr?.obfsParam ?? "",
    }, { host, local: DEFAULT_LOCAL }));
  },
  "lightsocks-go": (servers) =>
    json(toGoConfig(lightsocks(servers, "lightsocks-go"))),
  "lightsocks-python": (servers) =>
    json(toPythonConfig(lightsocks(servers, "lightsocks-python"))),
};

/** Writes Umbra's form: one server at the top, several in `servers`. */
function ownConfig(servers: readonly LinkedServer[]): Record<string, unknown> {
  const entries = servers.map(({ host, port, transport, ...server }, i) => {
    const { method, password, ssr, protocolParam, prefix, tag } = server;
    const isTable = method.family.name === "lightsocks";
    return {
      server: host,
      server_port: port,
      ...isTable ? { protocol: "lightsocks" } : { method: method.name },
      password,
      ...pluginKeys(servers[i]!),
      ...(ssr && { protocol: ssr.protocol, obfs: ssr.obfs }),
      ...(protocolParam && { protocol_param: protocolParam }),
      ...(ssr?.obfsParam && { obfs_param: ssr.obfsParam }),
      ...(prefix && { prefix }),
      ...(transport && { transport: writeTransport(transport) }),
      ...(tag && { remarks: tag }),
    };
  });
  const legacy = servers.some(({ method }) => !method.family.authenticates)
    ? { allow_legacy: true }
    : {};
  const [first] = entries;
  // At the top, "transport" chooses the sockets.
  return entries.length === 1 && !("transport" in first!)
    ? { ...first, ...legacy, ...OWN_LOCAL }
    : { servers: entries, ...legacy, ...OWN_LOCAL };
}

function writeTransport(
  { type, url, udpUrl, closeDelayMs, headers = [] }: WebSocketTransport,
): Record<string, unknown> {
  return {
    type,
    url: formatWebSocketUrl(url),
    ...(udpUrl && { "udp_url": formatWebSocketUrl(udpUrl) }),
    ...(closeDelayMs && { "close_delay": closeDelayMs / 1_000 }),
    ...headers.length > 0 && { headers: Object.fromEntries(headers) },
  };
}

const OWN_LOCAL = {
  "local_address": DEFAULT_LOCAL.host,
  "local_port": DEFAULT_LOCAL.port,
};

/**
 * Writes a server of Shadowsocks 2022 on the same ports, with a new key for
 * each user, and the links of the clients as comments below.
 *
 * @param links The links of the clients, one for each user.
 * @param forbidden The targets that clients of each port cannot reach.
 */
function upgraded(
  links: readonly LinkedServer[],
  forbidden: ReturnType<typeof forbiddenOf>,
  randomBytes: RandomBytes,
): string {
  const method = findMethod(INIT_METHOD);
  const key = (): string => generateKey(method, randomBytes);
  const servers = [...new Set(links.map(({ port }) => port))].map((port) => {
    const clients = links.filter((link) => link.port === port);
    const own = key();
    const users = clients.length === 1 && clients[0]!.user === undefined
      ? []
      : clients.map((client, i) => ({
        name: client.user ?? client.tag ?? `user-${i + 1}`,
        password: key(),
      }));
    return { port, own, users, clients };
  });
  const fresh = servers.flatMap(({ port, own, users, clients }) =>
    clients.map(({ host, tag }, i) =>
      formatLink({
        host,
        port,
        method,
        password: users.length === 0 ? own : `${own}:${users[i]!.password}`,
        tag: users[i]?.name ?? tag,
      })
    )
  );
  const config = {
    servers: servers.map(({ port, own, users }) => ({
      server: "::",
      server_port: port,
      method: method.name,
      password: own,
      mode: "tcp_and_udp",
      ...forbidden.get(port),
      ...users.length > 0 && { users },
    })),
  };
  return `// Configuration for \`umbra server -c FILE\`, with new keys.
${json(config)}
// Links of the clients; keep them secret like passwords.
${lines(fresh.map((link) => `// ${link}`))}`;
}

/** Returns the only server, for a form that holds one. */
function only(servers: readonly LinkedServer[], form: Form): LinkedServer {
  const [server, second] = servers;
  if (server !== undefined && second === undefined) return server;
  throw badValue(
    `Cannot write ${servers.length} servers as ${form}, which has one server: ` +
      "give one of them",
  );
}

function lightsocks(
  servers: readonly LinkedServer[],
  form: Form,
): LightsocksConfig {
  const server = only(servers, form);
  const { host, port, method, password } = server;
  if (method.family.name !== "lightsocks") {
    throw noForm(server, "lightsocks", "no method but its own");
  }
  return {
    server: { host, port },
    local: DEFAULT_LOCAL,
    table: parseLightsocksPassword(password),
  };
}

/** Returns a server without settings other than method and password. */
function plain(server: LinkedServer, form: string): LinkedServer {
  if (form === "SIP008" && server.transport !== undefined) {
    throw noForm(server, form, "no WebSocket");
  }
  if (server.ssr === undefined) return notLightsocks(server);
  throw noForm(server, form, "nothing of ShadowsocksR");
}

/** Refuses settings that the form cannot express. */
function bare(server: LinkedServer, form: string): LinkedServer {
  const { prefix, transport } = server;
  if (prefix) throw noForm(server, form, "no prefix of salts");
  if (transport) throw noForm(server, form, "no such WebSocket here");
  return server;
}

/** Returns the keys of a plugin in configurations and lists. */
function pluginKeys({ plugin = "" }: LinkedServer): Record<string, string> {
  const { name, options = "" } = splitPlugin(plugin);
  return name === "" ? {} : { plugin: name, "plugin_opts": options };
}

function withoutPlugin(server: LinkedServer): LinkedServer {
  if (server.plugin === undefined) return server;
  throw noForm(server, "this form", "no plugins as SIP003 has them");
}

function notLightsocks(server: LinkedServer): LinkedServer {
  if (server.method.family.name !== "lightsocks") return server;
  throw noForm(server, "this form", "nothing of lightsocks");
}

function entryOf(
  { method: { name: method }, ssr, protocolParam, ...server }: LinkedServer,
): Parameters<typeof toClash>[0] {
  const { host, port, password, tag } = server;
  const place = { host, port, ...(tag !== undefined && { tag }) };
  if (ssr === undefined) return { ...place, method, password };
  return {
    ...place,
    ssr: {
      ...place,
      ...ssr,
      method,
      password,
      ...(protocolParam && { protocolParam }),
    },
  };
}

function noForm(
  { port, method }: { readonly port: number; readonly method: Method },
  form: string,
  has: string,
): ConfigError {
  return badValue(
    `Cannot write the server of port ${port} (${method.name}) as ${form}: it ` +
      `has ${has}`,
  );
}

/** Returns an id, which SIP008 requires; it is the place in the list. */
function uuid(index: number): string {
  return `00000000-0000-8000-8000-${String(index + 1).padStart(12, "0")}`;
}

function encodeText(text: string): string {
  return encodeBase64(new TextEncoder().encode(text));
}

function json(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

function lines(texts: readonly string[]): string {
  return texts.map((text) => `${text}\n`).join("");
}
