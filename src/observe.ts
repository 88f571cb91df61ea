/**
 * What the core reports to its operator: log lines and counters, as interfaces
 * with silent defaults.
 *
 * Security: no field ever holds a key, a password or relayed bytes.
 *
 * @module
 */
import type { ErrorCode } from "./errors.ts";

/** Severity, least first. */
export type LogLevel = "debug" | "info" | "warn" | "error";

/** Facts of one log line. */
export type LogFields = Readonly<
  Record<string, string | number | boolean | undefined>
>;

/** The receiver of log lines. */
export interface Logger {
  /** True if a line of this level would be kept; ask before costly fields. */
  enabled(level: LogLevel): boolean;
  /** Writes one line: what happened, and the facts of it. */
  log(level: LogLevel, message: string, fields?: LogFields): void;
}

/** Drops everything. */
export const silentLogger: Logger = { enabled: () => false, log: () => {} };

/** Counters the services keep. */
export interface Metrics {
  /** A connection was accepted. */
  connectionOpened(): void;
  /** Payload of it was relayed: before sealing, after opening. */
  bytesRelayed(direction: "up" | "down", bytes: number): void;
  /** Reports the end of a connection, with its result. */
  connectionClosed(summary: ConnectionSummary): void;
  /**
   * Reports that a descriptor was given back: once for each that was opened.
   */
  connectionReleased(): void;
  /** A peer failed before or after authentication, or we did, by code. */
  connectionRefused(code: ErrorCode): void;
  /** A datagram was relayed; bytes are payload. */
  datagramRelayed(direction: "up" | "down", bytes: number): void;
  /** A datagram was dropped, by the code of what was wrong with it. */
  datagramDropped(code: ErrorCode): void;
  /** The flow of one UDP client began. */
  flowOpened(): void;
  /** It ended. */
  flowClosed(reason: FlowEnd): void;
  /**
   * Rules have decided about a connection, a request or a datagram.
   *
   * @param to `proxy`, `direct`, `block`, or the name of a server or a group.
   */
  routed(to: string, network: "tcp" | "udp"): void;
  /** This machine's resolver is asked for a name, or it is refused. */
  lookedUp(why: LookupReason): void;
  /**
   * A target, or the server of a local, was looked up and connected to, or
   * could not be; what policy forbids is not reported.
   */
  dialled(durationMs: number, ok: boolean): void;
  /**
   * A peer that has the key was refused because of its clock.
   *
   * @param seconds How far it is ahead of ours; negative: behind. A recording
   * that is played back shows its age.
   */
  clockSkew(seconds: number): void;
  /**
   * An application has asked a local for a target. The request is reported before
   * its way is chosen, and goes on to change until it has ended.
   */
  requested(request: LocalRequest): void;
}

/** A request of an application to a local, as it is when it is looked at. */
export interface LocalRequest {
  /** Milliseconds since 1970 when the request was made. */
  readonly startedUnixMs: number;
  /** IP address of the application. */
  readonly client: string;
  /** The user whose password it was, where users have names. */
  readonly user: string | undefined;
  /** `host:port`. */
  readonly target: string;
  /** Way and reason, `direct: routes[1]`; `undefined` where no rule decides. */
  readonly way: string | undefined;
  /** Name of the server that carries it; `undefined` until one does. */
  readonly server: string | undefined;
  /** Payload bytes from the application. */
  readonly bytesUp: number;
  /** Payload bytes to the application. */
  readonly bytesDown: number;
  /** Milliseconds that it took; `undefined` while it is open. */
  readonly durationMs: number | undefined;
  /** Why it failed; `undefined` unless it did. */
  readonly code: ErrorCode | undefined;
}

/**
 * Why the flow of a UDP client ended: silence, more clients than the limit, the
 * end of its association or service, or a failure of its socket.
 */
export type FlowEnd = "idle" | "evicted" | "ended" | "failed";

/**
 * Why this machine's resolver is asked: a rule compares addresses, a target is
 * reached directly, or a server is. `refused`: a rule would have, and must not.
 */
export type LookupReason = "route" | "direct" | "server" | "refused";

/** The result of one connection. */
export interface ConnectionSummary {
  /** The user whose key it was, where users have names. */
  readonly user: string | undefined;
  /** Payload bytes from the client towards the target. */
  readonly bytesUp: number;
  /** Payload bytes from the target towards the client. */
  readonly bytesDown: number;
  /** Milliseconds from accept to end. */
  readonly durationMs: number;
}

/** Counts nothing. */
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
  dialled: () => {},
  clockSkew: () => {},
  requested: () => {},
};
