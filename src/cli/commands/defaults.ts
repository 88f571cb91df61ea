/**
 * The defaults of options and configuration keys.
 *
 * @module
 */

/** The default method, as in shadowsocks-libev 3.3. */
export const DEFAULT_METHOD = "chacha20-ietf-poly1305";

/** The default method of a ShadowsocksR server, as in ShadowsocksR. */
export const SSR_METHOD = "aes-256-cfb";

/**
 * The method that `umbra init` suggests: it has named users and replay
 * protection, and is fast where the processor has AES instructions.
 */
export const INIT_METHOD = "2022-blake3-aes-256-gcm";

/** The user that `umbra init` suggests. */
export const INIT_USER = "me";

/** The default address of `ss-local`: the host of libev and the usual port. */
export const DEFAULT_LOCAL = { host: "127.0.0.1", port: 1080 };

/** The default resolver of the DNS inbound. */
export const DEFAULT_RESOLVER = { host: "1.1.1.1", port: 53 };

/** The default address of `ss-server`, as in libev. */
export const DEFAULT_SERVER_HOST = "0.0.0.0";

/**
 * The default target of probes: it answers HTTP and is reserved for examples.
 */
export const PROBE_TARGET = { host: "example.com", port: 80 };

/** The default time limit of each step of a probe, in milliseconds. */
export const PROBE_WAIT_MS = 5_000;

/** The default number of measurements. */
export const PROBE_COUNT = 5;

/** The default duration of a download, in milliseconds. */
export const DOWNLOAD_MS = 10_000;

/** The names of crypto providers on the command line. */
export const CRYPTO_CHOICES: readonly string[] = [
  "auto",
  "noble",
  "node",
  "openssl",
];

/** The shells that `umbra env` writes for. */
export const ENV_SHELLS = ["sh", "fish", "powershell"] as const;

/** The forms that `umbra convert` writes. */
export const CONVERT_FORMS = [
  "json",
  "uri",
  "subscription",
  "sip008",
  "sing-box",
  "clash",
  "shadowsocksr",
  "lightsocks-go",
  "lightsocks-python",
] as const;
