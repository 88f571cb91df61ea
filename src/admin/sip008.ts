/**
 * SIP008: the configuration of a user as a document, with used and remaining
 * bytes, if they are known.
 *
 * Source: SIP008 (https://shadowsocks.org/doc/sip008.html).
 *
 * @module
 */
import { splitPlugin } from "../codec/plugin_options.ts";
import { parseServerUri } from "../codec/uri.ts";
import { deriveSecret } from "../crypto/derived_secret.ts";
import type { UsedBytes } from "../fleet.ts";
import type { UserLimits } from "../users.ts";
import type { Invited } from "./invite/secret_path.ts";

const ID_PURPOSE = "umbra 2026-11-21 id of a server in a SIP008 document";

/**
 * Returns the document of a user with `ss://` links, before `JSON.stringify`.
 */
export function sip008Document(
  { uris, server, user, used }: Invited,
): unknown {
  return {
    version: 1,
    servers: uris.map((uri) => {
      const { host, port, method, password, plugin, tag } = parseServerUri(uri);
      const { name: program, options = "" } = splitPlugin(plugin ?? "");
      return {
        id: toUuid(
          deriveSecret(JSON.stringify([host, server, user.name]), ID_PURPOSE),
        ),
        remarks: tag ?? user.name,
        server: host,
        server_port: port,
        password,
        method,
        ...(program && { plugin: program, plugin_opts: options }),
      };
    }),
    ...used !== undefined && amounts(used, user.limits),
  };
}

function amounts(
  { bytesUp, bytesDown }: UsedBytes,
  { quotaBytes }: UserLimits,
): Record<string, number> {
  const used = bytesUp + bytesDown;
  return {
    bytes_used: used,
    ...quotaBytes !== undefined && {
      bytes_remaining: Math.max(0, quotaBytes - used),
    },
  };
}

/**
 * Formats bytes as a UUID of version 8 (RFC 9562 §5.8), which stays the same in
 * every update.
 */
function toUuid(bytes: Uint8Array): string {
  const uuid = bytes.slice(0, 16);
  uuid[6] = 0x80 | uuid[6]! & 0x0f;
  uuid[8] = 0x80 | uuid[8]! & 0x3f;
  return uuid.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
