/**
 * What one connection was, for the log and the counters.
 *
 * @module
 */
import type { Method } from "../crypto/method.ts";
import { type ErrorCode, ProtocolError, UmbraError } from "../errors.ts";
import type { ConnectionSummary, LogLevel } from "../observe.ts";
import { explainDecision, type RouteDecision } from "../routes/route_table.ts";
import type { Direction, PayloadCounter } from "../streams/channel.ts";
import type { Connection } from "../transport.ts";
import { RequestRecord } from "./inbound/request_record.ts";
import type { RouteReport } from "./outbound/outbound.ts";
import type { Dependencies } from "./service.ts";

/** Why a server may have ended a connection without a word. */
export const UNANSWERED: string =
  "No answer from the server: wrong password or method, clocks that differ " +
  "(2022), a user who may not, or a target that cannot be reached; " +
  "`umbra doctor` says more";

/** Collects facts of a connection and reports them once, when it ends. */
export class ConnectionReport
  implements ConnectionSummary, PayloadCounter, RouteReport {
  /** `host:port` once it is known. */
  target: string | undefined;
  /** Which way that takes, where rules decide. */
  route: RouteDecision | undefined;
  /** The user whose key or password it was, where users have names. */
  user: string | undefined;
  #request: RequestRecord | undefined;
  readonly #client: string;
  readonly #world: Required<Dependencies>;
  readonly #startMs: number;
  readonly #bytes = { up: 0, down: 0 };

  /** Starts the clock. */
  constructor(client: Connection, world: Required<Dependencies>) {
    this.#client = client.remote.host;
    this.#world = world;
    this.#startMs = world.clock.monotonicMs();
  }

  /** Payload bytes from client to target. */
  get bytesUp(): number {
    return this.#bytes.up;
  }

  /** Payload bytes from target to client. */
  get bytesDown(): number {
    return this.#bytes.down;
  }

  /** Counts payload that passes, here and in the counters of the program. */
  count(direction: Direction, bytes: number): void {
    this.#bytes[direction] += bytes;
    this.#world.metrics.bytesRelayed(direction, bytes);
  }

  /** Milliseconds since accept. */
  get durationMs(): number {
    return Math.round(this.#world.clock.monotonicMs() - this.#startMs);
  }

  /**
   * A local is asked for {@link ConnectionReport.target}; what it was asked for
   * before on this connection has ended.
   *
   * @returns The record of the request; it learns the way.
   */
  request(): RequestRecord {
    this.#request?.end();
    const { clock, metrics } = this.#world;
    this.#request = new RequestRecord(this, this.#client, clock);
    metrics.requested(this.#request);
    return this.#request;
  }

  /**
   * The way to what a local was asked for is open.
   *
   * @param server Name of the server on it; not set: there is none.
   */
  reached(server: string | undefined): void {
    if (this.#request !== undefined) this.#request.server = server;
  }

  /**
   * The connection ended without an error.
   *
   * @param reason How it ended, in a few words.
   */
  close(reason: string): void {
    this.#tell(this.#world.connectionLevel, "connection closed", { reason });
  }

  /** The server took the request and said nothing: the operator should see it. */
  closeUnanswered(): void {
    this.#world.metrics.connectionRefused("ERR_NET_UNANSWERED");
    this.#request?.end("ERR_NET_UNANSWERED");
    this.#tell("warn", "connection closed", { reason: UNANSWERED });
  }

  /**
   * The connection ended because of an error of the peer, the network or our
   * policy.
   *
   * @param method The method in use, where a wrong one may be the cause.
   * @throws The error, when it is none of those but a defect.
   */
  fail(error: unknown, method?: Method): void {
    if (!(error instanceof UmbraError)) throw error;
    const { metrics } = this.#world;
    metrics.connectionRefused(error.code);
    this.#request?.end(error.code);
    const peerIsToBlame = error instanceof ProtocolError;
    if (peerIsToBlame && error.clockSkewSeconds !== undefined) {
      metrics.clockSkew(error.clockSkewSeconds);
    }
    const refused = peerIsToBlame && this.bytesUp + this.bytesDown === 0;
    this.#tell(
      peerIsToBlame ? "warn" : "info",
      refused ? "connection refused" : "connection failed",
      {
        code: error.code,
        reason: refused && method !== undefined && isWrongKey(error, method)
          ? `${STRANGER} (${error.message})`
          : error.message,
        method: method?.name,
      },
    );
  }

  /** A request was refused; the connection goes on. */
  refuse(error: UmbraError): void {
    const { logger, metrics } = this.#world;
    metrics.connectionRefused(error.code);
    this.#request?.end(error.code);
    logger.log("info", "request refused", {
      client: this.#client,
      target: this.target,
      route: this.#routeText(),
      code: error.code,
      reason: error.message,
    });
  }

  #routeText(): string | undefined {
    return this.route && explainDecision(this.route);
  }

  #tell(
    level: LogLevel,
    message: string,
    fields: Record<string, string | undefined>,
  ): void {
    const { logger, metrics } = this.#world;
    metrics.connectionClosed(this);
    this.#request?.end();
    if (!logger.enabled(level)) return;
    logger.log(level, message, {
      client: this.#client,
      user: this.user,
      target: this.target,
      route: this.#routeText(),
      bytesUp: this.bytesUp,
      bytesDown: this.bytesDown,
      durationMs: this.durationMs,
      ...fields,
    });
  }
}

/** True if that is what a key that is not ours looks like. */
function isWrongKey({ code }: UmbraError, { family }: Method): boolean {
  return WRONG_KEY.has(code) ||
    (!family.authenticates && WRONG_PLAINTEXT.has(code));
}

const WRONG_KEY: ReadonlySet<ErrorCode> = new Set(
  ["ERR_SS_AUTHENTICATION", "ERR_SS_USER_UNKNOWN"] as const,
);

/**
 * The codes that another key leads to: what a stream cipher yields then is no
 * address.
 */
const WRONG_PLAINTEXT: ReadonlySet<ErrorCode> = new Set(
  [
    "ERR_SS_ADDRESS_TYPE",
    "ERR_SS_ADDRESS_INVALID",
    "ERR_SS_ONE_TIME_AUTH",
  ] as const,
);

const STRANGER = "Client has another password or method, or is a stranger";
