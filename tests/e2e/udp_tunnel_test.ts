/**
 * A real resolver through UDP tunnels: ours and libev's, to servers of ours on
 * both runtimes.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { denoTransport } from "../../src/adapters/deno.ts";
import { MasterKey } from "../../src/crypto/aead.ts";
import { masterKeyFromPassword } from "../../src/crypto/master_key.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { nobleProvider } from "../../src/crypto/noble.ts";
import { systemRandomBytes } from "../../src/random.ts";
import { startUdpTunnel } from "../../src/service/udp_tunnel.ts";
import { aead2017Packet } from "../../src/session/aead2017_packet.ts";
import {
  dig,
  DNS_SKIP,
  KNOWN_ADDRESS,
  KNOWN_NAME,
  startDnsServer,
} from "../support/dns_server.ts";
import { freePort, Program } from "../support/process.ts";
import { LIBEV_SKIP, METHOD, OURS, PASSWORD, startServer } from "./chain.ts";

for (const runtime of OURS) {
  test(`dig gets its answer through a UDP tunnel to ${runtime}`, {
    skip: DNS_SKIP,
  }, async () => {
    const resolver = { host: "127.0.0.1", port: await freePort() };
    await using _dns = await startDnsServer(resolver);
    await using server = await startServer(runtime, { flags: ["-U"] });
    const method = findMethod(METHOD);
    const key = masterKeyFromPassword(PASSWORD, method);
    const packets = aead2017Packet(
      new MasterKey(method, key, nobleProvider),
      systemRandomBytes,
    );
    const tunnel = await startUdpTunnel({
      listen: { host: "127.0.0.1", port: await freePort() },
      target: resolver,
      upstream: () => ({ endpoint: server.address, packets }),
    }, { transport: denoTransport() });
    try {
      for (let i = 0; i < 3; i++) {
        const answer = await dig(tunnel.address, KNOWN_NAME, "A");
        assert.equal(answer.trim(), KNOWN_ADDRESS);
      }
    } finally {
      await tunnel.stop(0);
    }
  });

  test(`dig gets its answer through libev's ss-tunnel to ${runtime}`, {
    skip: DNS_SKIP || LIBEV_SKIP,
  }, async () => {
    const resolver = { host: "127.0.0.1", port: await freePort() };
    const listen = { host: "127.0.0.1", port: await freePort() };
    await using _dns = await startDnsServer(resolver);
    await using server = await startServer(runtime, { flags: ["-u"] });
    await using tunnel = await Program.start([
      ...["ss-tunnel", "-U", "-k", PASSWORD, "-m", METHOD],
      ...["-s", server.address.host, "-p", `${server.address.port}`],
      ...["-b", listen.host, "-l", `${listen.port}`],
      ...["-L", `${resolver.host}:${resolver.port}`],
    ], { ready: /UDP relay enabled/ });
    const answer = await dig(listen, KNOWN_NAME, "A");
    assert.equal(answer.trim(), KNOWN_ADDRESS, tunnel.describe());
  });
}
