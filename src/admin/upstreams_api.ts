/**
 * The API of the servers of a local: their status, and the switches that apply
 * until the next reload.
 *
 * | path                         | methods       |
 * | ---------------------------- | ------------- |
 * | `/api/upstreams`             | GET, POST     |
 * | `/api/upstreams/pin`         | PUT, DELETE   |
 * | `/api/upstreams/:name`       | PATCH, DELETE |
 * | `/api/upstreams/:name/probe` | POST          |
 *
 * @module
 */
import { badValue } from "../errors.ts";
import type { Operator, UpstreamControl, UpstreamStatus } from "./operator.ts";
import { done, failure, json } from "./replies.ts";
import { type Fields, readFields, readText } from "./request_body.ts";
import { type Call, dataRoute, type Handler, type Route } from "./router.ts";
import { NO_USERS } from "./user_page.ts";

type Change = Parameters<UpstreamControl["change"]>[1];

const CHANGE_FIELDS = ["disabled", "tcpWeight", "udpWeight"];

/** Returns the routes. */
export function upstreamsApi(operator: Operator): Route[] {
  const list = (): readonly UpstreamStatus[] =>
    operator.status(NO_USERS).upstreams ?? [];
  const named = (name: string): UpstreamStatus | undefined =>
    list().find((one) => one.name === name);
  const withControl =
    (handle: (control: UpstreamControl, call: Call) => ReturnType<Handler>) =>
    (call: Call): ReturnType<Handler> =>
      operator.upstreams === undefined
        ? failure(404, NO_SERVERS)
        : handle(operator.upstreams, call);
  const withServer = (
    handle: (
      control: UpstreamControl,
      server: UpstreamStatus,
      call: Call,
    ) => ReturnType<Handler>,
  ): Handler =>
    withControl((control, call) => {
      const server = named(call.param("name"));
      return server === undefined
        ? failure(404, NO_SERVER)
        : handle(control, server, call);
    });
  return [
    dataRoute("GET /api/upstreams", () => json({ upstreams: list() })),
    dataRoute("POST /api/upstreams", async ({ request }) => {
      const fields = await readFields(request, ["link"]);
      const link = readText(fields.get("link"), "link");
      if (operator.addUpstream === undefined) return failure(404, NO_SERVERS);
      return json(named(await operator.addUpstream(link)), 201);
    }),
    dataRoute(
      "PUT /api/upstreams/pin",
      withControl(async (control, { request }) => {
        const fields = await readFields(request, ["name"]);
        const name = readText(fields.get("name"), "name");
        if (named(name) === undefined) return failure(404, NO_SERVER);
        control.pin(name);
        return json(named(name));
      }),
    ),
    dataRoute(
      "DELETE /api/upstreams/pin",
      withControl((control) => {
        control.pin(undefined);
        return done();
      }),
    ),
    dataRoute(
      "DELETE /api/upstreams/:name",
      withServer(async (_, { name }) => {
        await operator.removeUpstream!(name);
        return done();
      }),
    ),
    dataRoute(
      "PATCH /api/upstreams/:name",
      withServer(async (control, { name }, { request }) => {
        const change = readSwitches(await readFields(request, CHANGE_FIELDS));
        refuseLast(list(), name, change);
        control.change(name, change);
        return json(named(name));
      }),
    ),
    dataRoute(
      "POST /api/upstreams/:name/probe",
      withServer(async (control, { name }) => {
        const answered = await control.probe(name);
        return json({ answered, ...named(name) });
      }),
    ),
  ];
}

const NO_SERVER = "The server does not exist";
const NO_SERVERS = "This program is not a local and has no upstream servers";

function readSwitches(fields: Fields): Change {
  const disabled = fields.get("disabled");
  if (disabled !== undefined && typeof disabled !== "boolean") {
    throw badValue('"disabled": expected true or false');
  }
  return {
    disabled,
    tcpWeight: readWeight(fields, "tcpWeight"),
    udpWeight: readWeight(fields, "udpWeight"),
  };
}

function readWeight(fields: Fields, field: string): number | undefined {
  const value = fields.get(field);
  if (value === undefined) return undefined;
  if (typeof value === "number" && value >= 0 && value <= 1) return value;
  throw badValue(`"${field}": expected a number from 0 to 1`);
}

/** Refuses a change that leaves no server for TCP. */
function refuseLast(
  all: readonly UpstreamStatus[],
  name: string,
  change: Change,
): void {
  const isLeft = all.some((one) => {
    const { disabled, tcpWeight } = one.name === name
      ? {
        disabled: change.disabled ?? one.disabled,
        tcpWeight: change.tcpWeight ?? one.tcpWeight,
      }
      : one;
    return !disabled && tcpWeight > 0;
  });
  if (isLeft) return;
  throw badValue(
    "no server is left: every one is disabled or has weight 0 for TCP",
  );
}
