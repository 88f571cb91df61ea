import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { receiveBufferWarning } from "../../../../src/adapters/net/choose.ts";
import { memoryTransport } from "../../../../src/adapters/net/memory.ts";
import { UDP_RECEIVE_BUFFER } from "../../../../src/limits.ts";

/** A transport whose sockets have such a buffer. */
function granting(
  receiveBuffer: number | undefined,
): Parameters<typeof receiveBufferWarning>[0] {
  const network = memoryTransport();
  return {
    capabilities: { ...network.capabilities, receiveBuffer: true },
    bind: async (endpoint) =>
      Object.defineProperty(await network.bind(endpoint), "receiveBuffer", {
        value: receiveBuffer,
      }),
  };
}

test("receiveBufferWarning() is silent, when the system grants what is asked for", async () => {
  for (const granted of [UDP_RECEIVE_BUFFER, 2 * UDP_RECEIVE_BUFFER]) {
    assert.equal(await receiveBufferWarning(granting(granted)), undefined);
  }
});

test("receiveBufferWarning() says what to do, when the system grants less", async () => {
  const line = await receiveBufferWarning(granting(UDP_RECEIVE_BUFFER - 1));
  assert.match(
    line!,
    /^UDP receive buffers have 2097151 bytes instead of 2097152, .* sysctl -w net\.core\.rmem_max=2097152$/,
  );
});

test("receiveBufferWarning() says why nothing is known", async () => {
  assert.match(
    (await receiveBufferWarning(granting(undefined)))!,
    /^size of UDP receive buffers is unknown: /,
  );
  const { capabilities } = granting(undefined);
  const bind = (): Promise<never> => Promise.reject(new Error("not allowed"));
  assert.equal(
    await receiveBufferWarning({ capabilities, bind }),
    "size of UDP receive buffers is unknown: not allowed",
  );
  const without = memoryTransport();
  const line = await receiveBufferWarning(without);
  if (process.platform !== "linux") assert.equal(line, undefined);
  else assert.match(line!, /libc cannot be called; see umbra check transport$/);
});
