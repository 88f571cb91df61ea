/**
 * The datagrams of `ss-manager`: requests, and the answers of
 * shadowsocks-libev.
 *
 * Wire form: `COMMAND[: JSON]` as text; commands are add, remove, list, ping
 * and stat. Source: manager.c of shadowsocks-libev 3.3.
 *
 * @module
 */
import { MAX_MANAGER_DATAGRAM_LENGTH } from "../limits.ts";
import { MODES } from "../service/options.ts";
import type { NewServer } from "./operator.ts";

/**
 * One request. `invalid` is a known command that cannot be carried out;
 * `ignored` is one without an answer.
 */
export type ManagerRequest =
  | { readonly command: "add"; readonly server: NewServer }
  | { readonly command: "remove"; readonly id: string }
  | { readonly command: "list" | "ping" | "invalid" | "ignored" };

/**
 * Keys that are refused, because ignoring them would change the meaning of the
 * request.
 */
const UNSUPPORTED = ["plugin", "plugin_opts", "users"];

const INVALID: ManagerRequest = { command: "invalid" };
const IGNORED: ManagerRequest = { command: "ignored" };

/** Reads one datagram; never throws. */
export function parseManagerRequest(datagram: Uint8Array): ManagerRequest {
  if (datagram.length > MAX_MANAGER_DATAGRAM_LENGTH) return IGNORED;
  const text = decode(datagram);
  if (text === undefined) return IGNORED;
  // libev's own clients end their requests with a NUL.
  const [, command, data = ""] = /^\s*([a-z]+)\s*:?\s*(.*?)[\s\0]*$/s
    .exec(text) ?? [];
  switch (command) {
    case "add":
      return toAdd(parseObject(data));
    case "remove": {
      const port = readPort(parseObject(data)?.["server_port"]);
      return port === undefined
        ? INVALID
        : { command: "remove", id: String(port) };
    }
    case "list":
    case "ping":
      return { command };
    default:
      // `stat` is the report of a libev server to its manager; Umbra has no
      // such servers.
      return IGNORED;
  }
}

/** A server in the answer to `list`. */
export interface ListedServer {
  readonly id: string;
  readonly password: string;
  readonly method: string;
}

/**
 * Returns the answers to `list`: one text, cut between entries if it is too
 * long.
 */
export function formatList(servers: readonly ListedServer[]): Uint8Array[] {
  const entries = servers.map(({ id, password, method }) =>
    `\n\t${JSON.stringify({ server_port: id, password, method })}`
  );
  const last = entries.length - 1;
  return pack([
    "[",
    ...entries.map((entry, i) => i < last ? `${entry},` : entry),
    "\n]",
  ]);
}

/**
 * Returns the answers to `ping`; each is a whole object.
 *
 * @param bytes By port, both directions together.
 */
export function formatStat(bytes: ReadonlyMap<string, number>): Uint8Array[] {
  const entries = [...bytes].map(([id, sum]) => `${JSON.stringify(id)}:${sum}`);
  const frame = utf8("stat: {}").length;
  const groups: string[][] = [[]];
  let length = frame;
  for (const entry of entries) {
    if (length + entry.length + 1 > MAX_MANAGER_DATAGRAM_LENGTH) {
      groups.push([]);
      length = frame;
    }
    groups.at(-1)!.push(entry);
    length += entry.length + 1;
  }
  return groups.map((group) => utf8(`stat: {${group.join(",")}}`));
}

/** Packs the parts into as few datagrams as possible. */
function pack(parts: readonly string[]): Uint8Array[] {
  const datagrams: string[] = [""];
  let length = 0;
  for (const part of parts) {
    const more = utf8(part).length;
    if (length + more > MAX_MANAGER_DATAGRAM_LENGTH) {
      datagrams.push("");
      length = 0;
    }
    datagrams[datagrams.length - 1] += part;
    length += more;
  }
  return datagrams.map(utf8);
}

function toAdd(fields: Fields | undefined): ManagerRequest {
  if (fields === undefined) return INVALID;
  const port = readPort(fields["server_port"]);
  const { password, method } = fields;
  if (port === undefined || typeof password !== "string" || password === "") {
    return INVALID;
  }
  // A password that is not well formed would be changed by its encoding.
  if (!password.isWellFormed()) return INVALID;
  if (method !== undefined && typeof method !== "string") return INVALID;
  const mode = MODES.find((one) => one === fields["mode"]);
  if (mode !== fields["mode"]) return INVALID;
  if (UNSUPPORTED.some((field) => fields[field])) return INVALID;
  return { command: "add", server: { port, password, method, mode } };
}

/** @returns `undefined` if the bytes are not UTF-8. */
function decode(bytes: Uint8Array): string | undefined {
  try {
    return UTF8.decode(bytes);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return undefined;
  }
}

const UTF8 = new TextDecoder("utf-8", { fatal: true });

type Fields = Readonly<Record<string, unknown>>;

function parseObject(text: string): Fields | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? value as Fields
      : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}

/** Reads a number, or text of digits as libev writes it. */
function readPort(value: unknown): number | undefined {
  const port = typeof value === "string" && /^\d{1,5}$/.test(value)
    ? Number(value)
    : value;
  return typeof port === "number" && Number.isInteger(port) && port >= 1 &&
      port <= 65_535
    ? port
    : undefined;
}

function utf8(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
