/**
 * What a local is asked for, for the list of the latest. Nothing is made of it
 * until somebody looks.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import type { ErrorCode } from "../../errors.ts";
import type { LocalRequest } from "../../observe.ts";
import {
  explainDecision,
  type RouteDecision,
} from "../../routes/route_table.ts";
import type { RouteReport } from "../outbound/outbound.ts";

/** The connection of a request; it may have had others before. */
export interface RequestConnection extends RouteReport {
  readonly target: string | undefined;
  readonly user: string | undefined;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** One request. */
export class RequestRecord implements LocalRequest, RouteReport {
  readonly startedUnixMs: number;
  readonly client: string;
  readonly user: string | undefined;
  target: string;
  server: string | undefined;
  code: ErrorCode | undefined;
  durationMs: number | undefined;
  #decision: RouteDecision | undefined;
  readonly #connection: RequestConnection;
  readonly #clock: Clock;
  readonly #startMs: number;
  readonly #before: Pick<RequestConnection, "bytesUp" | "bytesDown">;
  #after: Pick<RequestConnection, "bytesUp" | "bytesDown"> | undefined;

  /** @param connection Has a target. */
  constructor(connection: RequestConnection, client: string, clock: Clock) {
    this.startedUnixMs = clock.unixMs();
    this.client = client;
    this.user = connection.user;
    this.target = connection.target!;
    this.#connection = connection;
    this.#clock = clock;
    this.#startMs = clock.monotonicMs();
    this.#before = bytesOf(connection);
  }

  /** The decision of the rules; the line of the connection has it, too. */
  get route(): RouteDecision | undefined {
    return this.#decision;
  }

  set route(decision: RouteDecision | undefined) {
    this.#decision = decision;
    this.#connection.route = decision;
  }

  get way(): string | undefined {
    return this.#decision && explainDecision(this.#decision);
  }

  get bytesUp(): number {
    return (this.#after ?? this.#connection).bytesUp - this.#before.bytesUp;
  }

  get bytesDown(): number {
    return (this.#after ?? this.#connection).bytesDown - this.#before.bytesDown;
  }

  /**
   * It is over; the first end counts.
   *
   * @param code Why it failed, if it did.
   */
  end(code?: ErrorCode): void {
    if (this.#after !== undefined) return;
    this.#after = bytesOf(this.#connection);
    this.durationMs = Math.round(this.#clock.monotonicMs() - this.#startMs);
    this.code = code;
  }
}

function bytesOf(
  { bytesUp, bytesDown }: RequestConnection,
): Pick<RequestConnection, "bytesUp" | "bytesDown"> {
  return { bytesUp, bytesDown };
}
