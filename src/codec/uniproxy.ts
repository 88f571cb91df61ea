/**
 * The messages between a panel of the V2Board family and its nodes
 * ("UniProxy"): JSON in the bodies of HTTP.
 *
 * ```text
 * config     {"server_port": 8388, "cipher": "…", "server_key": "BASE64" | null,
 *             "protocol"?: "shadowsocks", "network"?, "plugin"?, "routes"?: […],
 *             "base_config"?: {"push_interval": 60, "pull_interval": 60}}
 * user       {"users": [{"id": 1, "uuid": "…", "speed_limit": Mbit/s | null,
 *             "device_limit": N | null}]}
 * alivelist  {"alive": {"ID": DEVICES}}
 * push       {"ID": [UP, DOWN]}           alive      {"ID": ["ADDRESS"]}
 * ```
 *
 * Numbers may be text, and an empty object may be an empty list, because PHP
 * writes both. Source: the server of Xboard and the node V2bX, as of 2026-05
 * and 2025-02. Does not: send `status`, which reports the load of the machine.
 *
 * Security: no message repeats a UUID or a key.
 *
 * @module
 */
import { toLatin1 } from "../bytes.ts";
import type { Method } from "../crypto/method.ts";
import { ConfigError, ProtocolError } from "../errors.ts";
import { DEFAULT_PANEL_MS, MAX_PANEL_MS, MIN_PANEL_MS } from "../limits.ts";
import { hasHidden, shownText } from "../text.ts";

/** The configuration of one node from a panel. */
export interface PanelNode {
  /** Name of the method, as the panel writes it. */
  readonly method: string;
  /** The port for clients of the node. */
  readonly port: number;
  /** Key of the server; only with methods of 2022. */
  readonly serverKey: string | undefined;
  /** Milliseconds between two reports of traffic. */
  readonly pushMs: number;
  /** Milliseconds between two requests for the users. */
  readonly pullMs: number;
  /** Name of the plugin that the panel gives to clients. */
  readonly plugin: string | undefined;
  /** One phrase for each of the panel's rules for targets. */
  readonly routes: readonly string[];
}

/** A user of a panel. */
export interface PanelUser {
  /** Its number, from 1. */
  readonly id: number;
  /** The source of the user's keys; it must not be logged. */
  readonly uuid: string;
  /** Bytes per second in each direction; `undefined`: no limit. */
  readonly bytesPerSecond: number | undefined;
  /** Devices on all nodes together; `undefined`: no limit. */
  readonly devices: number | undefined;
}

/** Payload bytes from the user to targets, and back. */
export type PanelTraffic = readonly [up: number, down: number];

/**
 * Reads the configuration of a node.
 *
 * @throws {ProtocolError} `ERR_PANEL_ANSWER`.
 * @throws {ConfigError} `ERR_PANEL` if the node is not of Shadowsocks.
 */
export function parsePanelNode(text: string): PanelNode {
  const node = objectOf(parse(text), "the answer");
  checkProtocol(node);
  const base = optional(node.base_config, (value) => objectOf(value, BASE));
  return {
    method: textOf(node.cipher, "cipher"),
    port: integerOf(node.server_port, "server_port", 1, 65_535),
    serverKey: optional(
      node.server_key,
      (value) => value === "" ? undefined : textOf(value, "server_key"),
    ),
    pushMs: intervalOf(base?.push_interval, `${BASE}.push_interval`),
    pullMs: intervalOf(base?.pull_interval, `${BASE}.pull_interval`),
    plugin: optional(
      node.plugin,
      (value) => value === "" ? undefined : textOf(value, "plugin"),
    ),
    routes: listOf(node.routes ?? [], "routes").map(describeRoute),
  };
}

const BASE = "base_config";

/**
 * Checks the protocol first, because a node of another protocol may lack
 * required keys.
 */
function checkProtocol({ protocol, network, cipher }: Fields): void {
  const isOther = typeof protocol === "string" && protocol !== "shadowsocks";
  if (isOther || cipher === undefined) {
    throw new ConfigError(
      "ERR_PANEL",
      "The panel's node " +
        (isOther ? `is of ${shown(protocol)}` : "has no cipher") +
        ", and this server speaks Shadowsocks: give node_id of a node of " +
        "that type",
    );
  }
  if (network === undefined || network === null) return;
  if (network === "" || network === "tcp") return;
  throw new ConfigError(
    "ERR_PANEL",
    `The panel's node wants network ${shown(network)}, which this server ` +
      "does not speak: take it out of the node",
  );
}

/** Returns text such as `block example.com, regexp:…`. */
function describeRoute(value: unknown, i: number): string {
  const { action, match } = objectOf(value, `routes[${i}]`);
  const matches = typeof match === "string"
    ? [match]
    : listOf(match ?? [], `routes[${i}].match`);
  return `${shown(action)} ${matches.map(shown).join(", ")}`.trim();
}

/**
 * Reads the users that may connect now.
 *
 * @throws {ProtocolError} `ERR_PANEL_ANSWER` if any user is invalid. The list
 * is then not used at all, because missing users would be disconnected.
 */
export function parsePanelUsers(text: string): PanelUser[] {
  const { users } = objectOf(parse(text), "the answer");
  const ids = new Set<number>();
  return listOf(users, "users").map((value, i) => {
    const user = objectOf(value, `users[${i}]`);
    const id = integerOf(user.id, `users[${i}].id`, 1);
    if (ids.has(id)) throw wrong(`users[${i}].id`, "is a duplicate");
    ids.add(id);
    const speed = limitOf(user.speed_limit, `users[${i}].speed_limit`);
    const devices = limitOf(user.device_limit, `users[${i}].device_limit`);
    return {
      id,
      uuid: textOf(user.uuid, `users[${i}].uuid`),
      bytesPerSecond: speed && Math.max(1, Math.round(speed * 1_000_000 / 8)),
      devices: devices && Math.ceil(devices),
    };
  });
}

/**
 * Reads the number of connected devices of each user, over all nodes.
 *
 * @throws {ProtocolError} `ERR_PANEL_ANSWER`.
 */
export function parseAliveCounts(text: string): Map<number, number> {
  const { alive } = objectOf(parse(text), "the answer");
  if (Array.isArray(alive) && alive.length === 0) return new Map();
  return new Map(
    Object.entries(objectOf(alive, "alive")).map(([id, count]) => [
      integerOf(id, "alive", 1),
      integerOf(count, `alive.${shown(id)}`, 0),
    ]),
  );
}

/**
 * Checks that a panel has accepted a report.
 *
 * @throws {ProtocolError} `ERR_PANEL_ANSWER` if it does not confirm it.
 */
export function checkTaken(text: string): void {
  const { status, data } = objectOf(parse(text), "the answer");
  if (data === true || status === "success") return;
  throw wrong("data", "is not true");
}

/** Formats the traffic since the last report, by id. */
export function formatTraffic(
  traffic: ReadonlyMap<number, PanelTraffic>,
): string {
  return JSON.stringify(Object.fromEntries(traffic));
}

/** Formats the client addresses of connected users, by id. */
export function formatAlive(
  addresses: ReadonlyMap<number, readonly string[]>,
): string {
  return JSON.stringify(Object.fromEntries(addresses));
}

/**
 * Returns a user's password or, for a method of 2022, the user's key. It is
 * made from the first characters of the UUID, including hyphens, as bytes.
 *
 * @returns `undefined` if the UUID is too short, or not ASCII.
 */
export function panelPassword(
  { uuid }: PanelUser,
  method: Method,
): string | undefined {
  if (method.family.keyKind !== "base64") return uuid;
  const characters = uuid.slice(0, method.keyLength);
  const isEnough = characters.length === method.keyLength &&
    // deno-lint-ignore no-control-regex
    /^[\x00-\x7f]*$/.test(characters);
  return isEnough ? toLatin1(characters).toBase64() : undefined;
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof RangeError)) {
      throw error;
    }
    throw wrong("the answer", "is not JSON");
  }
}

function objectOf(value: unknown, name: string): Fields {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return value as Fields;
  }
  throw wrong(name, "is not an object");
}

function listOf(value: unknown, name: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw wrong(name, "is not a list");
}

function textOf(value: unknown, name: string): string {
  const isFit = typeof value === "string" && value !== "" && !hasHidden(value);
  if (isFit) return value;
  throw wrong(name, "is not text");
}

function integerOf(
  value: unknown,
  name: string,
  least: number,
  most: number = Number.MAX_SAFE_INTEGER,
): number {
  const number = numberOf(value);
  if (Number.isSafeInteger(number) && number! >= least && number! <= most) {
    return number!;
  }
  const range = most === Number.MAX_SAFE_INTEGER
    ? `from ${least}`
    : `from ${least} to ${most}`;
  throw wrong(name, `is not a whole number ${range}`);
}

/**
 * Reads a limit.
 *
 * @returns `undefined` for no limit: `null`, a missing key, or 0.
 */
function limitOf(value: unknown, name: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  const number = numberOf(value);
  if (number === undefined || !(number >= 0) || number > MAX_LIMIT) {
    throw wrong(name, "is not a number from 0");
  }
  return number === 0 ? undefined : number;
}

/** Keeps the conversion of Mbit/s to bytes per second exact. */
const MAX_LIMIT = 1e9;

function intervalOf(value: unknown, name: string): number {
  if (value === undefined || value === null) return DEFAULT_PANEL_MS;
  const ms = integerOf(value, name, 0, 1e9) * 1_000;
  return Math.min(MAX_PANEL_MS, Math.max(MIN_PANEL_MS, ms));
}

function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  return typeof value === "string" && /^\d{1,15}(\.\d{1,6})?$/.test(value)
    ? Number(value)
    : undefined;
}

function optional<T>(
  value: unknown,
  read: (value: unknown) => T,
): T | undefined {
  return value === undefined || value === null ? undefined : read(value);
}

/** Returns a value of the panel for a message. */
function shown(value: unknown): string {
  return typeof value === "string"
    ? shownText(value.slice(0, MAX_SHOWN))
    : typeof value;
}

/** Maximum characters of a panel's value in a message. */
const MAX_SHOWN = 100;

function wrong(name: string, what: string): ProtocolError {
  return new ProtocolError(
    "ERR_PANEL_ANSWER",
    `Cannot use the answer of the panel: ${name} ${what}`,
  );
}
