/**
 * The parts of the npm package `socks` that tests use. Its own types need other
 * declarations of `node:` modules than Deno's.
 *
 * @module
 */
import type { EventEmitter } from "node:events";
import type { Socket } from "node:net";

/** A request, and the proxy that gets it. */
export interface SocksClientOptions {
  readonly proxy: {
    readonly host: string;
    readonly port: number;
    readonly type: 4 | 5;
    readonly userId?: string;
    readonly password?: string;
  };
  readonly command: "connect" | "bind";
  readonly destination: { readonly host: string; readonly port: number };
}

/** A client of a SOCKS proxy. */
export class SocksClient extends EventEmitter {
  constructor(options: SocksClientOptions);
  static createConnection(
    options: SocksClientOptions,
  ): Promise<{ socket: Socket }>;
  connect(): void;
}
