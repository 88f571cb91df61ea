import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFleetUrl } from "../../../../src/adapters/fleet/engine_url.ts";

const places: Readonly<Record<string, object>> = {
  "valkeys://valkey.example": {
    address: { host: "valkey.example", port: 6_379 },
    isSecure: true,
    isLocal: false,
  },
  "rediss://192.0.2.1:7000": {
    address: { host: "192.0.2.1", port: 7_000 },
    isSecure: true,
    isLocal: false,
  },
  "valkey://127.0.0.1": {
    address: { host: "127.0.0.1", port: 6_379 },
    isSecure: false,
    isLocal: true,
  },
  "redis://[2001:db8::1]:7000": {
    address: { host: "2001:db8::1", port: 7_000 },
    isSecure: false,
    isLocal: false,
  },
  "valkey://[::1]": {
    address: { host: "::1", port: 6_379 },
    isSecure: false,
    isLocal: true,
  },
  "unix:/run/valkey/valkey.sock": {
    address: { path: "/run/valkey/valkey.sock" },
    isSecure: false,
    isLocal: true,
  },
  "valkeys+sentinel://a.example,b.example:26380/primary": {
    address: {
      sentinels: [
        { host: "a.example", port: 26_379 },
        { host: "b.example", port: 26_380 },
      ],
      primary: "primary",
    },
    isSecure: true,
    isLocal: false,
  },
};

test("parseFleetUrl() reads every form, with and without a fleet", () => {
  for (
    const [text, { address, ...rest }] of Object.entries(places) as [
      ...[string, { address: object }][],
    ]
  ) {
    for (const [query, fleet] of [["", "main"], ["?fleet=eu-1", "eu-1"]]) {
      assert.deepEqual(parseFleetUrl(`${text}${query}`), {
        ...rest,
        fleet,
        address: { shown: text, ...address },
      });
    }
  }
});

test("parseFleetUrl() takes nothing else, and no password", () => {
  for (
    const text of [
      ...[
        "",
        "valkey.example",
        "valkey.example:6379",
        "https://valkey.example",
      ],
      ...[
        "valkey://",
        "valkey://host:0",
        "valkey://host:65536",
        "valkey://h:x",
      ],
      ...["valkeys://user:secret@host", "valkeys://:secret@host"],
      ...["valkeys://host/1", "valkey://a,b", "valkey+sentinel://a,b"],
      ...["valkey+sentinel://a/", "unix:relative", "unix:", "valkey://ho st"],
      ...[
        "valkeys://host?fleet=",
        "valkeys://host?fleet=a/b",
        "valkey://h?x=1",
      ],
      ...[
        "valkeys://host?fleet=a?fleet=b",
        `valkey://h?fleet=${"a".repeat(65)}`,
      ],
    ]
  ) assert.equal(parseFleetUrl(text), undefined, text);
});
