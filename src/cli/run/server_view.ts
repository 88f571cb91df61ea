/**
 * A running server for its operator.
 *
 * @module
 */
import type {
  Credentials,
  ServerStatus,
  UserStatus,
} from "../../admin/operator.ts";
import { formatAddress } from "../../codec/address.ts";
import type { LimitedUser } from "../../service/server/account.ts";
import type { Accounts } from "../../service/server/accounts.ts";
import type { Endpoint } from "../../transport.ts";
import type { ConfiguredServer } from "../config/config.ts";
import { userPassword } from "../config/credentials.ts";
import { describeMethod } from "../config/legacy_gate.ts";
import { formatLink } from "../config/server_links.ts";
import { isWildcard } from "../config/values.ts";
import { MadeUser } from "./made_user.ts";
import type { UserRates } from "./user_rates.ts";

/** The addresses of one port, and its users. */
export interface ViewedServer {
  /** Port, in decimal. */
  readonly id: string;
  /** The servers of the configuration; at least one. */
  readonly servers: readonly ConfiguredServer[];
  /** The listening address of each server, in the same order. */
  readonly addresses: readonly Endpoint[];
  /** True if the server was added at run time. */
  readonly managed: boolean;
  /** All users, with their counts. */
  readonly accounts: Accounts;
}

/** Returns the status of a server without its users. */
export function statusOf(
  { id, servers, addresses, managed, accounts }: ViewedServer,
): Omit<ServerStatus, "users"> {
  const [first] = servers;
  return {
    id,
    address: addresses.map(formatAddress).join(", "),
    method: describeMethod(first!),
    mode: first!.mode ?? "tcp_only",
    managed,
    usage: accounts.total(),
    userCount: accounts.size,
  };
}

/** Returns the status of a user. */
export function userStatus(
  user: LimitedUser,
  accounts: Accounts,
  rates: UserRates,
): UserStatus {
  const { name, limits = {}, disabled = false } = user;
  return {
    name,
    origin: user instanceof MadeUser ? user.origin : "file",
    disabled,
    limits,
    usage: accounts.usage(name),
    rate: rates.of(name),
  };
}

/**
 * Returns the credentials of one user.
 *
 * @param name The user; "" for a client with the server's own key.
 * @param password The password of the user.
 * @param guessHost Guesses the host if the server listens on every address.
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
  // A client with the server's own key has no key of a user.
  const serverKey = name === "" ? undefined : secrets.own?.text;
  const uri = ssr !== undefined && serverKey !== undefined
    ? formatLink({ ...base, password: serverKey, protocolParam: password })
    : formatLink({
      ...base,
      password: userPassword(method, { serverKey, own: password }),
    });
  return { password, uri };
}
