/**
 * Reads and writes the URL of a fleet's engine.
 *
 * ```text
 * valkeys://HOST[:PORT]             TLS; also rediss://
 * valkey://HOST[:PORT]              plain; also redis://
 * valkeys+sentinel://HOST[:PORT],HOST[:PORT]/PRIMARY        plain: valkey+…
 * unix:/PATH
 * …?fleet=NAME                      one of several fleets of an engine
 * ```
 *
 * @module
 */
import type { EngineAddress } from "./_engine_client.ts";

/** Default ports of an engine, and of its sentinels. */
const PORT = 6_379;
const SENTINEL_PORT = 26_379;

/** The default name of a fleet. */
const USUAL_FLEET = "main";

/** A fleet and the address of its engine. */
export interface FleetPlace {
  /** Name of the fleet, which is part of the engine's keys. */
  readonly fleet: string;
  readonly address: Pick<
    EngineAddress,
    "shown" | "host" | "port" | "path" | "sentinels" | "primary"
  >;
  /** True if the connection uses TLS. */
  readonly isSecure: boolean;
  /** True if the connection does not leave this machine. */
  readonly isLocal: boolean;
}

/** Parses the URL of a fleet; `undefined` if it is invalid. */
export function parseFleetUrl(text: string): FleetPlace | undefined {
  const [place = "", query, ...rest] = text.split("?");
  if (rest.length > 0) return undefined;
  const fleet = query === undefined
    ? USUAL_FLEET
    : /^fleet=([A-Za-z0-9._-]{1,64})$/.exec(query)?.[1];
  if (fleet === undefined) return undefined;
  const found = parseUnix(place) ?? parseNetwork(place);
  return found && { ...found, fleet };
}

/** Formats the URL of a fleet. */
export function formatFleetUrl({ address, fleet }: FleetPlace): string {
  const query = fleet === USUAL_FLEET ? "" : `?fleet=${fleet}`;
  return `${address.shown}${query}`;
}

type Found = Omit<FleetPlace, "fleet">;

function parseUnix(text: string): Found | undefined {
  const path = /^unix:(\/.+)$/.exec(text)?.[1];
  if (path === undefined) return undefined;
  return { address: { shown: text, path }, isSecure: false, isLocal: true };
}

function parseNetwork(text: string): Found | undefined {
  const [, secure, sentinel, hosts, primary] =
    /^(?:valkey|redis)(s?)(\+sentinel)?:\/\/([^/@]+)(?:\/([^/@]*))?$/i
      .exec(text) ?? [];
  if (hosts === undefined) return undefined;
  const isSecure = secure !== "";
  const all = hosts.split(",").map((one) =>
    parseHost(one, sentinel === undefined ? PORT : SENTINEL_PORT)
  );
  if (all.some((one) => one === undefined)) return undefined;
  const places = all as { host: string; port: number }[];
  const isLocal = places.every(({ host }) => isLoopback(host));
  const base = { isSecure, isLocal };
  if (sentinel !== undefined) {
    if (!primary) return undefined;
    return {
      ...base,
      address: { shown: text, sentinels: places, primary },
    };
  }
  if (places.length !== 1 || primary) return undefined;
  return { ...base, address: { shown: text, ...places[0]! } };
}

function parseHost(
  text: string,
  usualPort: number,
): { host: string; port: number } | undefined {
  const [, bracketed, bare, digits] =
    /^(?:\[([0-9A-Fa-f:.]+)\]|([^[\]:\s]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const host = bracketed ?? bare;
  const port = digits === undefined ? usualPort : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) return undefined;
  return { host, port };
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127\./.test(host);
}
