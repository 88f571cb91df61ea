import assert from "node:assert/strict";
import { test } from "node:test";
import { parseFleetUrl } from "../../../src/adapters/fleet/engine_url.ts";
import {
  type FleetContents,
  fleetOf,
} from "../../../src/cli/config/fleet_settings.ts";
import { seededBytes } from "../../support/bytes.ts";

const KEY = seededBytes(32).toBase64();

function said(url: string, rest: FleetContents = {}): FleetContents {
  return {
    fleet: parseFleetUrl(url)!,
    fleetKey: KEY,
    node: "fra1",
    ...rest,
  };
}

test("fleetOf() is undefined where nothing is said", () => {
  const defaults: FleetContents = { fleetPlain: false, fleetOutage: "serve" };
  assert.equal(fleetOf(defaults), undefined);
});

test("fleetOf() has address, keys and node", () => {
  const found = fleetOf(
    said("valkeys://valkey.example?fleet=eu", {
      fleetAuth: "umbra:a:b",
      fleetCa: "PEM",
      fleetOutage: "strict",
      fleetDomain: "fra",
      fleetReplay: "strict",
    }),
  )!;
  const { keys, ...rest } = found;
  assert.equal(keys.check.length, 22);
  assert.deepEqual(rest, {
    address: {
      shown: "valkeys://valkey.example",
      host: "valkey.example",
      port: 6_379,
      username: "umbra",
      password: "a:b",
      tls: { ca: "PEM" },
    },
    fleet: "eu",
    node: "fra1",
    outage: "strict",
    domain: "fra",
    replay: "strict",
  });
  const alone = fleetOf(said("valkeys://h", { fleetAuth: "secret" }))!;
  assert.deepEqual([alone.domain, alone.replay], ["main", "exchange"]);
  assert.equal(alone.address.username, undefined);
  assert.equal(alone.address.password, "secret");
  assert.deepEqual(alone.address.tls, {});
});

test("fleetOf() speaks without TLS to this machine, or where it is asked to", () => {
  for (const url of ["valkey://127.0.0.1", "unix:/run/valkey.sock"]) {
    assert.equal(fleetOf(said(url))!.address.tls, undefined);
  }
  const plain = said("valkey://192.0.2.1");
  assert.throws(() => fleetOf(plain), /valkeys:\/\/, or fleet_plain/);
  assert.equal(fleetOf({ ...plain, fleetPlain: true })!.address.tls, undefined);
});

test("fleetOf() says what is missing, or must not be", () => {
  const wrong: readonly (readonly [FleetContents, RegExp])[] = [
    [{ node: "fra1" }, /node is given without fleet/],
    [{ fleetKey: KEY }, /fleet_key is given without fleet/],
    [{ fleet: parseFleetUrl("unix:/x")! }, /needs a key: give fleet_key/],
    [said("unix:/x", { fleetCa: "PEM" }), /fleet_ca needs an engine/],
    [said("unix:/x", { fleetKey: "AAAA" }), /has 32 bytes, this one 3/],
    [said("unix:/x", { fleetKey: "no base64!" }), /32 bytes in base64/],
    [said("unix:/x", { fleetKey: `${KEY} ${KEY} ${KEY}` }), /or two of them/],
  ];
  for (const [contents, message] of wrong) {
    assert.throws(() => fleetOf(contents), (error: Error) => {
      assert.match(error.message, message);
      assert(!error.message.includes(KEY));
      return true;
    });
  }
});
