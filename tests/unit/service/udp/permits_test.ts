import assert from "node:assert/strict";
import { test } from "node:test";
import { Permits } from "../../../../src/service/udp/permits.ts";

const HOST = "192.0.2.1";
const from = (port: number) => ({ host: HOST, port });

test("a permit admits its host, and its port where it has one", () => {
  const permits = new Permits();
  permits.add({ host: HOST, port: 5, user: undefined });
  assert.ok(permits.admits(from(5)));
  assert.ok(!permits.admits(from(6)));
  assert.ok(!permits.admits({ host: "192.0.2.2", port: 5 }));
  permits.add({ host: HOST, port: undefined, user: undefined });
  assert.ok(permits.admits(from(6)));
});

test("what was added twice admits until it is deleted twice", () => {
  const permits = new Permits();
  const permit = { host: HOST, port: undefined, user: "alice" };
  permits.add(permit);
  permits.add(permit);
  permits.delete(permit);
  assert.equal(permits.find(from(6))?.user, "alice");
  permits.delete(permit);
  assert.ok(!permits.admits(from(6)));
  assert.equal(permits.find(from(6))?.user, undefined);
});

test("datagrams are of a user only where no other could be meant", () => {
  const permits = new Permits();
  permits.add({ host: HOST, port: 5, user: "alice" });
  assert.equal(permits.find(from(5))?.user, "alice");
  const bob = { host: HOST, port: undefined, user: "bob" };
  permits.add(bob);
  assert.equal(permits.find(from(5))?.user, undefined);
  assert.equal(permits.find(from(6))?.user, "bob");
  const carol = { host: HOST, port: undefined, user: "carol" };
  permits.add(carol);
  assert.equal(permits.find(from(6))?.user, undefined);
  permits.delete(carol);
  permits.delete(bob);
  assert.equal(permits.find(from(5))?.user, "alice");
});
