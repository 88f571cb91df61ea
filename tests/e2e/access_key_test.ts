/**
 * A dynamic access key of Outline over HTTPS: YAML with a prefix, and later what
 * the provider says in its place.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeCertificate } from "../support/certificate.ts";
import { freePort, Program } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { ROOT } from "../support/runtimes.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { METHOD, PASSWORD, startServer } from "./chain.ts";

const scratch = mkdtempSync(join(tmpdir(), "umbra-access-key-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const certificate = makeCertificate(scratch);

function key({ host, port }: Address): string {
  return `transport:
  $type: tcpudp
  tcp:
    <<: &shared
      $type: shadowsocks
      endpoint: ${host}:${port}
      cipher: ${METHOD}
      secret: ${PASSWORD}
    prefix: "SSH-2.0\\r\\n"
  udp: *shared
`;
}

for (const runtime of ["deno", "bun"] as const) {
  test(`${runtime} follows an access key in YAML, and shows what a provider says`, async () => {
    await using target = await Target.start();
    await using server = await startServer(runtime);
    let body = key(server.address);
    const host = createServer(certificate, (_, response) => response.end(body));
    await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = host.address() as { port: number };
      const localPort = await freePort();
      const trusted = {
        NODE_EXTRA_CA_CERTS: certificate.authority,
        DENO_CERT: certificate.authority,
        XDG_CACHE_HOME: join(scratch, runtime),
      };
      await using local = await Program.start([
        ...programCommand(runtime, trusted),
        ...["local", `ssconf://127.0.0.1:${port}/secret`, "--refresh", "1"],
        ...["-l", `${localPort}`],
      ], { ready: /listening on/, cwd: ROOT });
      const echo = async (): Promise<void> => {
        const address = { host: "127.0.0.1", port: localPort };
        using stream = await socksConnect(address, target.address);
        await stream.write(command("echo"));
        await stream.write(Buffer.from("ping"));
        assert.deepEqual(
          Buffer.from((await stream.read())!),
          Buffer.from("ping"),
        );
      };
      await echo();
      body = '{"error": {"message": "Your plan has ended", ' +
        '"details": "Renew at the office"}}';
      await local.waitForOutput(
        /the provider says: Your plan has ended \(Renew at the office\)/,
        10_000,
      );
      await echo();
      body = key(server.address);
      await local.waitForOutput(/list of servers can be fetched again/, 70_000);
      assert.doesNotMatch(local.output, /secret|correct horse/);
    } finally {
      host.closeAllConnections();
      await new Promise((resolve) => host.close(resolve));
    }
  });
}
