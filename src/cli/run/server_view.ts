/**
 * A running server as its operator sees it.
 *
 * @module
 */
import type { Credentials, ServerStatus } from "../../admin/operator.ts";
import { formatAddress } from "../../codec/address.ts";
import type { LimitedUser } from "../../service/server/account.ts";
import type { Accounts } from "../../service/server/accounts.ts";
import type { Endpoint } from "../../transport.ts";
import type { ConfiguredServer } from "../config/config.ts";
import { userPassword } from "../config/credentials.ts";
import { describeMethod } from "../config/legacy_gate.ts";
import { formatLink } from "../config/server_links.ts";
import { isWildcard } from "../config/values.ts";

/** All addresses of one port, and who uses them. */
export interface ViewedServer {
  /** Port, in decimal. */
  readonly id: string;
  /** As configured; at least one. */
  readonly servers: readonly ConfiguredServer[];
  /** Where each of them listens, in the same order. */
  readonly addresses: readonly Endpoint[];
  /** Whether it was added at run time. */
  readonly managed: boolean;
  /** Those of the file, and those that were made at run time. */
  readonly users: readonly LimitedUser[];
  /** Names of those of the file that were changed at run time. */
  readonly changed: ReadonlySet<string>;
  /** What they have done. */
  readonly accounts: Accounts;
}

/** What there is to see. */
export function statusOf(
  { id, servers, addresses, managed, users, changed, accounts }: ViewedServer,
): ServerStatus {
  const [first] = servers;
  const usage = accounts.usage();
  const inFile = new Set(
    servers.flatMap(({ secrets, owner }) => [
      ...secrets.users.keys(),
      ...owner === undefined ? [] : [owner.name],
    ]),
  );
  return {
    id,
    address: addresses.map(formatAddress).join(", "),
    method: describeMethod(first!),
    mode: first!.mode ?? "tcp_only",
    managed,
    usage: accounts.total(),
    users: users.filter(({ name }) => usage.has(name))
      .map(({ name, limits = {}, disabled = false }) => ({
        name,
        origin: changed.has(name)
          ? "changed"
          : inFile.has(name)
          ? "file"
          : "api",
        disabled,
        limits,
        usage: usage.get(name)!,
      })),
  };
}

/**
 * How to connect to a server as one user.
 *
 * @param name Empty: as whoever has the server's own key.
 * @param password The user's.
 * @param guessHost Tells the host where the server listens on every address.
 */
export function credentialsFor(
  { secrets, method, listen, ssr, linkedPlugin }: ConfiguredServer,
  { id, name, password }: {
    readonly id: string;
    readonly name: string;
    readonly password: string;
  },
  guessHost: () => string,
): Credentials {
  const base = {
    method,
    ssr,
    plugin: linkedPlugin,
    host: isWildcard(listen.host) ? guessHost() : listen.host,
    port: Number(id),
    ...name !== "" && { tag: name },
  };
  // The server itself has no user's key.
  const serverKey = name === "" ? undefined : secrets.own?.text;
  const uri = ssr !== undefined && serverKey !== undefined
    ? formatLink({ ...base, password: serverKey, protocolParam: password })
    : formatLink({
      ...base,
      password: userPassword(method, { serverKey, own: password }),
    });
  return { password, uri };
}
