/**
 * Umbra as a library: Shadowsocks connections, `fetch` through a server, and
 * both roles, on Deno and on Bun.
 *
 * The parts of these are in the entries `./codec`, `./crypto`, `./session`
 * and `./service`, which know no runtime, and in the transports `./deno`,
 * `./bun` and `./memory`.
 *
 * @example Fetch a page through a server
 * ```ts no-eval
 * import { createFetch } from "@umbra/umbra";
 *
 * await using tunnel = await createFetch("ss://…");
 * const page = await tunnel.fetch("https://example.com/");
 * console.log(page.status, await page.text());
 * ```
 *
 * @module
 */
export {
  ConfigError,
  type ConfigErrorCode,
  type DefectCode,
  type ErrorCode,
  PolicyError,
  type PolicyErrorCode,
  ProtocolError,
  type ProtocolErrorCode,
  StoreError,
  type StoreErrorCode,
  TransportError,
  type TransportErrorCode,
  UmbraError,
} from "./src/errors.ts";
export {
  connect,
  type ConnectOptions,
  type Tunnel,
} from "./src/library/connect.ts";
export { createFetch, type TunnelFetch } from "./src/library/fetch.ts";
export { keysFor, serverFromUri } from "./src/library/keys.ts";
export { startLocal, startServer } from "./src/library/start.ts";
export type { SystemDependencies } from "./src/library/system.ts";
