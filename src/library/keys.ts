/**
 * Reads servers in the form of users: links, and passwords with the name of a
 * method.
 *
 * @module
 */
import { parseServerUri } from "../codec/uri.ts";
import { findMethod } from "../crypto/method.ts";
import { ConfigError } from "../errors.ts";
import type { UpstreamServer } from "../service/outbound/shadowsocks.ts";
import { readKeys } from "../session/families.ts";
import type { ClientKeys } from "../session/family.ts";
import { readSaltPrefix } from "../session/shadowsocks2017/salt_prefix.ts";

/**
 * Returns the keys of a password.
 *
 * @param method Name of a method, such as `chacha20-ietf-poly1305`.
 * @param password Any text, or the base64 keys of a 2022 method.
 * @throws {ConfigError} If the method is unknown, or the key is invalid for it.
 */
export function keysFor(method: string, password: string): ClientKeys {
  const found = findMethod(method);
  const keys = readKeys(password, found);
  const masterKey = keys.at(-1)!;
  const identityKeys = keys.slice(0, -1);
  return {
    method: found,
    masterKey,
    ...identityKeys.length > 0 && { identityKeys },
  };
}

/**
 * Returns the server of a link.
 *
 * @param uri `ss://…` in the form of SIP002.
 * @throws {ConfigError} `ERR_SS_URI_INVALID` and as {@link keysFor}; also if
 * the link names a plugin, which the library does not start, or a prefix that
 * is too long for the method.
 */
export function serverFromUri(uri: string): UpstreamServer {
  const { method, password, host, port, plugin, prefix } = parseServerUri(uri);
  if (plugin !== undefined) {
    throw new ConfigError(
      "ERR_SS_URI_INVALID",
      "Cannot use ss:// link: it needs a plugin, which the library does not " +
        "start",
    );
  }
  const keys = keysFor(method, password);
  return {
    endpoint: { host, port },
    ...keys,
    ...prefix && { saltPrefix: readSaltPrefix(prefix, keys.method) },
  };
}
