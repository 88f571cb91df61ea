/**
 * A request to a local, for the list of recent requests. Its fields are
 * computed when they are read.
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

/** The connection of a request, which may have had earlier requests. */
export interface RequestConnection extends RouteReport {
  readonly target: string | undefined;
  readonly user: string | undefined;
  readonly bytesUp: number;
  readonly bytesDown: number;
}

/** The record of one request. */
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

  /** @param connection Must have a target. */
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

  /** The decision of the rules; it is also set on the connection. */
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
   * Ends the record. Only the first call has an effect.
   *
   * @param code The reason of the failure, if it failed.
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
