/**
 * What the core reports to its operator: log lines and counters. The defaults
 * discard them.
 *
 * Security: no field ever contains a key, a password or relayed bytes.
 *
 * @module
 */
import type { ErrorCode } from "./errors.ts";

/** Severity, from lowest to highest. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** The fields of one log line. */
export type LogFields = Readonly<
  Record<string, string | number | boolean | undefined>
>;

/** Receives log lines. */
export interface Logger {
  /**
   * True if a line of this level is kept; check before computing costly fields.
   */
  enabled(level: LogLevel): boolean;
  /** Writes one line: a message and its fields. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** Discards every line. */
export const silentLogger: Logger = { enabled: () => false, log: () => {} };

/** Counters that the services keep. */
export interface Metrics {
  /** Reports that a connection was accepted. */
  connectionOpened(): void;
  /** Reports relayed payload of a connection: before sealing, after opening. */
  bytesRelayed(direction: "up" | "down", bytes: number): void;
  /** Reports the end of a connection, with its result. */
  connectionClosed(summary: ConnectionSummary): void;
  /**
   * Reports that the descriptor of a connection was released: once for each
   * `connectionOpened`.
   */
  connectionReleased(): void;
  /** Reports a failed or refused connection by its code. */
  connectionRefused(code: ErrorCode): void;
  /** Reports a relayed datagram; `bytes` is its payload. */
  datagramRelayed(direction: "up" | "down", bytes: number): void;
  /** Reports a dropped datagram by its code. */
  datagramDropped(code: ErrorCode): void;
  /** Reports that the flow of one UDP client began. */
  flowOpened(): void;
  /** Reports that a flow ended. */
  flowClosed(reason: FlowEnd): void;
  /**
   * Reports the decision of the rules about a connection, request or datagram.
   *
   * @param to `proxy`, `direct`, `block`, or the name of a server or a group.
   */
  routed(to: string, network: "tcp" | "udp"): void;
  /**
   * Reports that this machine's resolver is asked for a name, or must not be.
   */
  lookedUp(why: LookupReason): void;
  /** Reports that the network of this machine has changed. */
  networkChanged(): void;
  /**
   * Reports the look-up and the connect to a target, or to the server of a
   * local. Targets that policy forbids are not reported.
   */
  dialled(durationMs: number, ok: boolean): void;
  /**
   * Reports that a peer with the key was refused because of its clock.
   *
   * @param seconds How far the peer's clock is ahead of ours; negative if it is
   * behind. For a replayed recording it shows the age.
   */
  clockSkew(seconds: number): void;
  /**
   * Reports that an application asked a local for a target. The request is
   * reported before it is routed, and its fields change until it has ended.
   */
  requested(request: LocalRequest): void;
}

/** A request of an application to a local; its fields are read when needed. */
export interface LocalRequest {
  /** Milliseconds since 1970 when the request was made. */
  readonly startedUnixMs: number;
  /** IP address of the application. */
  readonly client: string;
  /** The user that authenticated, where users have names. */
  readonly user: string | undefined;
  /** The target, as `host:port`. */
  readonly target: string;
  /**
   * The route and its reason, `direct: routes[1]`; `undefined` if no rule
   * decided.
   */
  readonly way: string | undefined;
  /**
   * Name of the server that carries the request; `undefined` until one does.
   */
  readonly server: string | undefined;
  /** Payload bytes from the application. */
  readonly bytesUp: number;
  /** Payload bytes to the application. */
  readonly bytesDown: number;
  /** Milliseconds from start to end; `undefined` while it is open. */
  readonly durationMs: number | undefined;
  /** The code of the failure; `undefined` if there was none. */
  readonly code: ErrorCode | undefined;
}

/**
 * Why the flow of a UDP client ended: no datagrams, more flows than the limit,
 * the end of its association or service, or a failure of its socket.
 */
export type FlowEnd = "idle" | "evicted" | "ended" | "failed";

/**
 * Why this machine's resolver is asked: a rule compares addresses, a target is
 * reached directly, or a server is. With `refused`, a rule needed a look-up
 * that is forbidden.
 */
export type LookupReason = "route" | "direct" | "server" | "refused";

/** The result of one connection. */
export interface ConnectionSummary {
  /** The user that authenticated, where users have names. */
  readonly user: string | undefined;
  /** Payload bytes from the client towards the target. */
  readonly bytesUp: number;
  /** Payload bytes from the target towards the client. */
  readonly bytesDown: number;
  /** Milliseconds from accept to end. */
  readonly durationMs: number;
}

/** Discards every report. */
export const silentMetrics: Metrics = {
  connectionOpened: () => {},
  bytesRelayed: () => {},
  connectionClosed: () => {},
  connectionReleased: () => {},
  connectionRefused: () => {},
  datagramRelayed: () => {},
  datagramDropped: () => {},
  flowOpened: () => {},
  flowClosed: () => {},
  routed: () => {},
  lookedUp: () => {},
  networkChanged: () => {},
  dialled: () => {},
  clockSkew: () => {},
  requested: () => {},
};
