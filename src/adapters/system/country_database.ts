/**
 * Countries of addresses, from a database in MaxMind's format.
 *
 * Three layouts of records are in use: `country.iso_code` (MaxMind, DB-IP),
 * `country_code` (ip-location-db), and a plain string (sing-geoip).
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { Reader } from "mmdb-lib";
import { ConfigError, messageOf } from "../../errors.ts";

/** An open database. */
export interface CountryDatabase {
  /** The type named in the database. */
  readonly type: string;
  /** Build time in milliseconds since 1970. */
  readonly builtUnixMs: number;
  /**
   * Returns the code of a country in upper case.
   *
   * @param ip Text form, without brackets.
   * @returns `undefined` for an unknown country or a damaged record.
   */
  countryOf(ip: string): string | undefined;
}

/**
 * Opens a database.
 *
 * @param bytes The file; it is kept.
 * @throws {ConfigError} `ERR_ROUTE_LIST`.
 */
export function openCountryDatabase(bytes: Uint8Array): CountryDatabase {
  let reader: Reader<never>;
  try {
    const { buffer, byteOffset, byteLength } = bytes;
    reader = new Reader(Buffer.from(buffer, byteOffset, byteLength));
  } catch (error) {
    throw new ConfigError(
      "ERR_ROUTE_LIST",
      `the file is not a database of countries (.mmdb): ${messageOf(error)}`,
    );
  }
  const { databaseType, buildEpoch } = reader.metadata;
  return {
    type: String(databaseType),
    builtUnixMs: buildEpoch.getTime(),
    countryOf(ip): string | undefined {
      try {
        return codeOf(reader.get(ip));
      } catch {
        // The library throws errors of any kind for a damaged record.
        return undefined;
      }
    },
  };
}

function codeOf(record: unknown): string | undefined {
  if (typeof record === "string") return record.toUpperCase();
  if (typeof record !== "object" || record === null) return undefined;
  const { country, country_code: flat } = record as Record<string, unknown>;
  const nested = typeof country === "object" && country !== null
    ? (country as Record<string, unknown>)["iso_code"]
    : country;
  const code = flat ?? nested;
  return typeof code === "string" ? code.toUpperCase() : undefined;
}
