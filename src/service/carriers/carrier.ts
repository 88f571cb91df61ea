/**
 * What carries Shadowsocks between both ends, in the place of plain TCP and UDP.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";
import type { Connection, DatagramSocket, Endpoint } from "../../transport.ts";

/** The way of one server's streams and packets. */
export interface Carrier {
  /**
   * Opens a stream to the server.
   *
   * @param signal Its abort gives the wait up.
   * @returns A connection that the caller owns.
   * @throws {UmbraError} When it cannot be opened.
   */
  connect(signal: StopSignal): Promise<Connection>;
  /**
   * Opens the way of one association's packets. Default: they are sent to the
   * server as plain UDP.
   *
   * @returns A socket that sends to the server, whatever address it is given.
   * @throws {UmbraError} When it cannot be opened.
   */
  bind?(): Promise<DatagramSocket>;
}

/** Any carrier, as it is configured. */
export type CarrierSettings = WebSocketTransport;

/** The world of a carrier. */
export interface CarrierOptions {
  /** The address of the server. */
  readonly endpoint: Endpoint;
  /** Milliseconds until a stream is open. */
  readonly connectTimeoutMs: number;
}
