/**
 * A carrier replaces plain TCP and UDP between client and server.
 *
 * @module
 */
import type { StopSignal } from "../../on_abort.ts";
import type { WebSocketTransport } from "../../codec/websocket_transport.ts";
import type { Connection, DatagramSocket, Endpoint } from "../../transport.ts";

/** Carries the streams and packets of one server. */
export interface Carrier {
  /**
   * Opens a stream to the server.
   *
   * @param signal Its abort ends the wait.
   * @returns A connection that the caller owns.
   * @throws {UmbraError} If the stream cannot be opened.
   */
  connect(signal: StopSignal): Promise<Connection>;
  /**
   * Opens a socket for the packets of one association. Default: packets are
   * sent as plain UDP.
   *
   * @returns A socket that sends to the server, whatever address is given.
   * @throws {UmbraError} If it cannot be opened.
   */
  bind?(): Promise<DatagramSocket>;
}

/** The settings of any carrier. */
export type CarrierSettings = WebSocketTransport;

/** The options of a carrier. */
export interface CarrierOptions {
  /** The address of the server. */
  readonly endpoint: Endpoint;
  /** Milliseconds to open a stream. */
  readonly connectTimeoutMs: number;
}
