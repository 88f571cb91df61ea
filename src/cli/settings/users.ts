/**
 * Settings of the users of a server.
 *
 * @module
 */
import type { UserLimits } from "../../users.ts";
import {
  DATE_EXPECTED,
  RATE_EXPECTED,
  readDate,
  readRate,
  readSize,
  SIZE_EXPECTED,
} from "../config/values.ts";
import {
  COUNT,
  numberOrText,
  objects,
  SWITCH,
  text,
  textAs,
  whole,
} from "./kinds.ts";
import { OF_SERVER, type Place, type Settings, settings } from "./setting.ts";

/** The list of users. */
export const USERS: Settings<{ readonly users: unknown[] }> = {
  users: {
    key: "users",
    places: OF_SERVER,
    kind: objects("user"),
    role: "server",
    help: "Users of the server, who share its port; see below",
    reload: "adopts",
  },
};

const OF_USER: readonly Place[] = ["user"];

/** Name, number and state of a user. */
export const USER: Settings<{
  readonly name: string;
  readonly uid: number;
  readonly disabled: boolean;
}> = settings({ places: OF_USER, reload: "adopts" }, {
  name: {
    key: "name",
    kind: text("NAME"),
    help: "Name of the user in the log and the counters; unique",
  },
  uid: {
    key: "uid",
    kind: whole(0, 0xffff_ffff, {
      value: "N",
      type: "number",
      expected: "a whole number from 0 to 4294967295",
    }),
    help: "Number that clients of ShadowsocksR send; required there, unique",
  },
  disabled: {
    key: "disabled",
    kind: SWITCH,
    help: "Keep the user, but let no client connect as it",
  },
});

/** The limits of a user. */
export const USER_LIMITS: Settings<UserLimits> = settings({
  places: OF_USER,
  reload: "adopts",
}, {
  quotaBytes: {
    key: "quota_bytes",
    kind: numberOrText({
      type: "bytes",
      expected: SIZE_EXPECTED,
      read: readSize,
    }),
    help: "Total payload of the user, both directions together",
  },
  bytesPerSecond: {
    key: "bytes_per_second",
    kind: numberOrText({
      type: "bytes a second",
      expected: RATE_EXPECTED,
      read: readRate,
    }),
    help: "Payload rate, each direction separately",
  },
  maxConnections: {
    key: "max_connections",
    kind: COUNT,
    help: "Simultaneous connections of the user",
  },
  maxHosts: {
    key: "max_hosts",
    kind: COUNT,
    help: "Simultaneous devices of the user, by IP address",
  },
  expiresUnixMs: {
    key: "expires",
    kind: textAs({
      type: "day or time",
      expected: DATE_EXPECTED,
      read: readDate,
    }),
    help:
      "When the user may no longer connect: `2027-01-31`, which starts at " +
      "00:00 UTC, or `2027-01-31T12:00Z`",
  },
});
