/**
 * The manager's parser, fed with mutations of good requests: always a request,
 * never an error, and what it yields is within its bounds.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseManagerRequest } from "../../src/admin/manager_protocol.ts";
import { utf8 } from "../support/bytes.ts";
import { FUZZ_BUDGET_MS, MUTATIONS, mutations } from "../support/mutate.ts";

const SAMPLES = [
  'add: {"server_port":8001,"password":"p","method":"aes-256-gcm"}',
  'add: {"server_port":"8001","password":"p","mode":"tcp_only"}',
  'remove: {"server_port":8001}',
  "list",
  "ping",
  'stat: {"8001":11370}',
].map(utf8);

test(`parseManagerRequest() survives ${MUTATIONS} mutations`, () => {
  const outcomes = new Map<string, number>();
  const startMs = performance.now();
  const spice = utf8('{}[]:,"\\\0 -0e');
  for (
    const bytes of mutations(SAMPLES, spice, { count: MUTATIONS, seed: 5 })
  ) {
    const request = parseManagerRequest(bytes);
    if (request.command === "add") {
      const { port, password } = request.server;
      assert.ok(Number.isInteger(port) && port >= 1 && port <= 65_535);
      assert.ok(password.length > 0);
    }
    const { command } = request;
    outcomes.set(command, (outcomes.get(command) ?? 0) + 1);
  }
  assert.ok(performance.now() - startMs < FUZZ_BUDGET_MS);
  for (
    const command of ["add", "remove", "list", "ping", "invalid", "ignored"]
  ) assert.ok(outcomes.get(command)! > 100, `${command}: ${[...outcomes]}`);
});
