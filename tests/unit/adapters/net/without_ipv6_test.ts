import assert from "node:assert/strict";
import { test } from "node:test";
import { toTransportError } from "../../../../src/adapters/net/_errors.ts";
import { listenWithoutIpv6 } from "../../../../src/adapters/net/_without_ipv6.ts";
import type { Endpoint } from "../../../../src/transport.ts";

/** A machine whose sockets of IPv6 fail with this code. */
function machine(code: string): {
  readonly tried: string[];
  open(endpoint: Endpoint): Promise<Endpoint>;
} {
  const tried: string[] = [];
  return {
    tried,
    open: (endpoint) => {
      tried.push(endpoint.host);
      if (!endpoint.host.includes(":")) return Promise.resolve(endpoint);
      const error = Object.assign(new Error("no"), { code });
      return Promise.reject(toTransportError(error, "listen"));
    },
  };
}

test("listenWithoutIpv6() takes IPv4 for every address, where there is no IPv6", async () => {
  for (const host of ["::", "::0", "0:0:0:0:0:0:0:0"]) {
    const { open, tried } = machine("EAFNOSUPPORT");
    assert.deepEqual(await listenWithoutIpv6({ host, port: 5 }, open), {
      host: "0.0.0.0",
      port: 5,
    });
    assert.deepEqual(tried, [host, "0.0.0.0"]);
  }
});

test("listenWithoutIpv6() names the cause of any other address", async () => {
  const { open } = machine("EAFNOSUPPORT");
  await assert.rejects(listenWithoutIpv6({ host: "::1", port: 5 }, open), {
    code: "ERR_NET_ADDRESS_UNAVAILABLE",
    message: /::1 port 5: this machine has no IPv6/,
  });
});

test("listenWithoutIpv6() leaves other failures as they are", async () => {
  const { open, tried } = machine("EADDRINUSE");
  await assert.rejects(listenWithoutIpv6({ host: "::", port: 5 }, open), {
    code: "ERR_NET_ADDRESS_IN_USE",
  });
  assert.deepEqual(tried, ["::"]);
});
