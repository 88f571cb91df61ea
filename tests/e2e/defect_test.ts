/**
 * One message, connection or query never ends the program: neither a hostile
 * DNS answer nor a defect of our own.
 *
 * @module
 */
import assert from "node:assert/strict";
import { join } from "node:path";
import process from "node:process";
import { test } from "node:test";
import { hex } from "../support/bytes.ts";
import { HostileResolver } from "../support/hostile_resolver.ts";
import { freePort, Program } from "../support/process.ts";
import { bunPath, denoPath, ROOT } from "../support/runtimes.ts";
import { Target } from "../support/target.ts";
import { UdpSocket } from "../support/udp.ts";
import { Chain, OURS } from "./chain.ts";

/** `known.test`, A, IN, id 0x1234. */
const QUERY = "123401000001000000000000" + "056b6e6f776e0474657374000001" +
  "0001";

/** More than 512 bytes, and an OPT record whose name is not the root. */
const RECORDS = hex(
  "c00c000100010000003c0004c000024d".repeat(40) + "016100002904d0" +
    "000000000000",
);

for (const runtime of OURS) {
  test(`local on ${runtime} survives a DNS answer that no library encodes`, async () => {
    await using resolver = await HostileResolver.start(RECORDS, {
      answers: 40,
      additionals: 1,
    });
    const inbound = { host: "127.0.0.1", port: await freePort() };
    await using target = await Target.start();
    await using chain = await Chain.start({ local: runtime, server: runtime }, {
      flags: ["-u"],
      localFlags: [
        ...["--dns-listen", `${inbound.host}:${inbound.port}`],
        ...["--dns-upstream", `127.0.0.1:${resolver.address.port}`],
      ],
    });
    using client = await UdpSocket.bind();
    for (let i = 0; i < 3; i++) {
      await client.send(hex(QUERY), inbound);
      const { payload } = await client.receive();
      const cut = "12348380" + QUERY.slice(8);
      assert.equal(payload.toHex(), cut, chain.describe());
    }
    using _stream = await chain.connect(target.address);
  });

  test(`server on ${runtime} goes on after a defect, logs it with its code and counts it`, async () => {
    const admin = `127.0.0.1:${await freePort()}`;
    await using program = await Program.start([
      ...(runtime === "deno"
        ? [denoPath()!, "run", "--quiet", "-A"]
        : [bunPath(), "--no-install"]),
      join(ROOT, "tests", "support", "defective_program.ts"),
      ...["server", "-s", "127.0.0.1", "-p", `${await freePort()}`],
      ...["-k", "password", "-m", "aes-128-gcm", "--admin", admin],
    ], { ready: /ss-server listening on/, cwd: ROOT });
    process.kill(program.pid, "SIGUSR2");
    await program.waitForOutput(/nobody catches this/, 5_000);
    assert.match(
      program.output,
      /ERROR unattended work failed code=ERR_DEFECT .*nobody owns this/,
    );
    const response = await fetch(`http://${admin}/metrics`);
    const text = await response.text();
    assert.match(text, /^umbra_refusals_total\{code="ERR_DEFECT"\} 2$/m);
    assert.deepEqual(await program.stop(), { code: 0, signal: null });
  });
}
