/**
 * The facts of one connection for the log and the counters.
 *
 * @module
 */
import type { Method } from "../crypto/method.ts";
import {
  type ErrorCode,
  faultOf,
  ProtocolError,
  UmbraError,
} from "../errors.ts";
import type { ConnectionSummary, LogLevel } from "../observe.ts";
import { explainDecision, type RouteDecision } from "../routes/route_table.ts";
import type { Direction, PayloadCounter } from "../streams/channel.ts";
import type { Connection } from "../transport.ts";
import { RequestRecord } from "./inbound/request_record.ts";
import type { RouteReport } from "./outbound/outbound.ts";
import type { Dependencies } from "./service.ts";

/** Reasons why a server may end a connection without an answer. */
export const UNANSWERED: string =
  "No answer from the server. Possible causes: wrong password or method, " +
  "clocks that differ (2022), a user that is not allowed, or a target that " +
  "cannot be reached; `umbra doctor` says more";

/** Collects the facts of a connection and reports them once, when it ends. */
export class ConnectionReport
  implements ConnectionSummary, PayloadCounter, RouteReport {
  /** The target as `host:port`, once it is known. */
  target: string | undefined;
  /** The route of the connection, if rules decide. */
  route: RouteDecision | undefined;
  /** The user that authenticated, where users have names. */
  user: string | undefined;
  #request: RequestRecord | undefined;
  readonly #client: string;
  readonly #world: Required<Dependencies>;
  readonly #startMs: number;
  #bytesUp = 0;
  #bytesDown = 0;

  /** Starts to measure the duration. */
  constructor(client: Connection, world: Required<Dependencies>) {
    this.#client = client.remote.host;
    this.#world = world;
    this.#startMs = world.clock.monotonicMs();
  }

  /** Payload bytes from client to target. */
  get bytesUp(): number {
    return this.#bytesUp;
  }

  /** Payload bytes from target to client. */
  get bytesDown(): number {
    return this.#bytesDown;
  }

  /** Counts relayed payload, here and in the metrics. */
  count(direction: Direction, bytes: number): void {
    if (direction === "up") this.#bytesUp += bytes;
    else this.#bytesDown += bytes;
    this.#world.metrics.bytesRelayed(direction, bytes);
  }

  /** Milliseconds since accept. */
  get durationMs(): number {
    return Math.round(this.#world.clock.monotonicMs() - this.#startMs);
  }

  /**
   * Reports a request for {@link ConnectionReport.target} to a local. This ends
   * the earlier request on this connection.
   *
   * @returns The record of the request.
   */
  request(): RequestRecord {
    this.#request?.end();
    const { clock, metrics } = this.#world;
    this.#request = new RequestRecord(this, this.#client, clock);
    metrics.requested(this.#request);
    return this.#request;
  }

  /**
   * Reports that the target of the request was reached.
   *
   * @param server Name of the server in between; not set if there is none.
   */
  reached(server: string | undefined): void {
    if (this.#request !== undefined) this.#request.server = server;
  }

  /**
   * Reports that the connection ended without an error.
   *
   * @param reason How it ended, in a few words.
   */
  close(reason: string): void {
    this.#tell(this.#world.connectionLevel, "connection closed", { reason });
  }

  /** Reports that the server accepted the request and sent nothing. */
  closeUnanswered(): void {
    this.#world.metrics.connectionRefused("ERR_NET_UNANSWERED");
    this.#request?.end("ERR_NET_UNANSWERED");
    this.#tell("warn", "connection closed", { reason: UNANSWERED });
  }

  /**
   * Reports that the connection failed because of the peer, the network or our
   * policy.
   *
   * @param method The method in use, if a wrong one may be the cause.
   * @throws The error, if it is a defect.
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

  /** Reports that a request was refused; the connection stays open. */
  refuse(error: UmbraError): void {
    const { logger, metrics } = this.#world;
    metrics.connectionRefused(error.code);
    this.#request?.end(error.code);
    logger.log("info", "request refused", {
      client: this.#client,
      target: this.target,
      route: this.#routeText(),
      ...faultOf(error),
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

/** True if a wrong key leads to this error. */
function isWrongKey({ code }: UmbraError, { family }: Method): boolean {
  return WRONG_KEY.has(code) ||
    (!family.authenticates && WRONG_PLAINTEXT.has(code));
}

const WRONG_KEY: ReadonlySet<ErrorCode> = new Set(
  ["ERR_SS_AUTHENTICATION", "ERR_SS_USER_UNKNOWN"] as const,
);

/**
 * Codes that a wrong key leads to with a stream cipher, because the decrypted
 * bytes are not an address.
 */
const WRONG_PLAINTEXT: ReadonlySet<ErrorCode> = new Set(
  [
    "ERR_SS_ADDRESS_TYPE",
    "ERR_SS_ADDRESS_INVALID",
    "ERR_SS_ONE_TIME_AUTH",
  ] as const,
);

const STRANGER = "Client has another password or method, or is a stranger";
