/**
 * A real resolver through UDP tunnels: ours and libev's, to servers of ours on
 * both runtimes; TCP on the same port.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  dig,
  DNS_SKIP,
  KNOWN_ADDRESS,
  KNOWN_NAME,
  startDnsServer,
} from "../support/dns_server.ts";
import { freePort, Program } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { LIBEV_SKIP, METHOD, PASSWORD, startServer } from "./chain.ts";

for (const runtime of ["deno", "bun"] as const) {
  test(`dig gets its answer through a UDP tunnel of ${runtime}`, {
    skip: DNS_SKIP,
  }, async () => {
    const resolver = { host: "127.0.0.1", port: await freePort() };
    await using _dns = await startDnsServer(resolver);
    await using server = await startServer(runtime, { flags: ["-u"] });
    for (const flag of ["-u", "-U"]) {
      const listen = { host: "127.0.0.1", port: await freePort() };
      await using tunnel = await Program.start([
        ...[...programCommand(runtime), "tunnel", flag],
        ...["-k", PASSWORD, "-m", METHOD],
        ...["-s", `${server.address.host}:${server.address.port}`],
        ...["-b", listen.host, "-l", `${listen.port}`],
        ...["-L", `localhost:${resolver.port}`],
      ], { ready: /ss-tunnel listening on .*UDP/, cwd: ROOT });
      for (const how of flag === "-u" ? ["+notcp", "+tcp"] : ["+notcp"]) {
        const answer = await dig(listen, KNOWN_NAME, "A", how);
        assert.equal(answer.trim(), KNOWN_ADDRESS, tunnel.describe());
      }
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
