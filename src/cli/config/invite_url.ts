/**
 * The web address at which users find their invitations.
 *
 * @module
 */
import { formatAddress } from "../../codec/address.ts";
import { isLoopback } from "../../codec/loopback.ts";
import { badValue } from "../../errors.ts";
import type { AdminAddress } from "../settings/program.ts";
import type { OperatorSettings } from "./operator_settings.ts";
import { isWildcard } from "./values.ts";

/** The settings on which the address depends. */
export type InviteSettings = Pick<
  OperatorSettings,
  | "admin"
  | "adminCert"
  | "adminKey"
  | "invite"
  | "inviteUrl"
  | "inviteCert"
  | "inviteKey"
  | "publicHost"
>;

/**
 * Returns the address, without a slash at its end.
 *
 * @param guessHost Guesses the host if the port listens on every address.
 * @returns `undefined` if there is no port of invitations with an address.
 */
export function inviteUrlOf(
  settings: InviteSettings,
  guessHost: () => string,
): string | undefined {
  const { admin, invite, inviteUrl, publicHost } = settings;
  if (inviteUrl !== undefined) return inviteUrl;
  const port = invite ?? admin;
  if (port === undefined || "path" in port) return undefined;
  const cert = invite === undefined ? settings.adminCert : settings.inviteCert;
  // A loopback address is of no use to clients on other machines.
  const host = isLoopback(port.host)
    ? port.host
    : publicHost ?? (isWildcard(port.host) ? guessHost() : port.host);
  const scheme = cert === undefined ? "http" : "https";
  return `${scheme}://${formatAddress({ host, port: port.port })}`;
}

/**
 * Checks that the settings of invitations are complete.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
export function checkInvite(settings: InviteSettings): void {
  const { admin, adminCert, adminKey, invite, inviteCert, inviteKey } =
    settings;
  checkPair("admin", admin, adminCert, adminKey);
  checkPair("invite", invite, inviteCert, inviteKey);
  if (invite === undefined || !("path" in invite)) return;
  if (settings.inviteUrl !== undefined) return;
  throw badValue(
    "--invite on a unix socket has no address for users: give --invite-url, " +
      "the address of the proxy in front of it",
  );
}

function checkPair(
  name: "admin" | "invite",
  port: AdminAddress | undefined,
  cert: string | undefined,
  key: string | undefined,
): void {
  if (cert === undefined && key === undefined) return;
  if (cert === undefined || key === undefined) {
    throw badValue(
      `--${name}-cert and --${name}-key go together: give both files`,
    );
  }
  if (port === undefined || "path" in port) {
    throw badValue(
      `--${name}-cert needs --${name} HOST:PORT: give it, or leave the ` +
        "certificate out",
    );
  }
}
