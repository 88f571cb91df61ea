/**
 * `umbra local https://…`: a published list over real TLS, that changes, and
 * whose host then falls silent.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { makeCertificate } from "../support/certificate.ts";
import { freePort, Program, runToEnd } from "../support/process.ts";
import { ROOT } from "../support/runtimes.ts";
import { programCommand } from "../support/program_command.ts";
import { command, Target } from "../support/target.ts";
import { type Address, socksConnect } from "../support/tcp.ts";
import { METHOD, PASSWORD, startServer } from "./chain.ts";

const PATH = "/secret-path/list.json";

const scratch = mkdtempSync(join(tmpdir(), "umbra-online-"));
after(() => rmSync(scratch, { recursive: true, force: true }));
const certificate = makeCertificate(scratch);

/** A host that publishes one server. */
class Publisher implements AsyncDisposable {
  port = 0;
  /** The server that is published. */
  published: Address;
  readonly #server = createServer(certificate, (request, response) => {
    if (request.url !== PATH) return void response.writeHead(404).end();
    response.setHeader("content-type", "application/json; charset=utf-8");
    response.end(JSON.stringify({
      version: 1,
      servers: [
        { ...this.#entry("trap"), plugin: "/bin/touch", plugin_opts: scratch },
        this.#entry("good"),
      ],
    }));
  });

  constructor(published: Address) {
    this.published = published;
  }

  get url(): string {
    return `https://127.0.0.1:${this.port}${PATH}`;
  }

  async start(): Promise<void> {
    const listening = Promise.withResolvers<void>();
    this.#server.listen(0, "127.0.0.1", listening.resolve);
    await listening.promise;
    this.port = (this.#server.address() as AddressInfo).port;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #entry(remarks: string): object {
    const { host, port } = this.published;
    return {
      ...{ id: remarks, remarks, server: host, server_port: port },
      ...{ password: PASSWORD, method: METHOD },
    };
  }
}

for (const runtime of ["deno", "bun"] as const) {
  test(`local ${runtime} follows a published list, and outlives its host`, async () => {
    await using target = await Target.start();
    await using first = await startServer(runtime);
    await using second = await startServer(runtime);
    const publisher = new Publisher(first.address);
    await publisher.start();
    const cache = join(scratch, runtime);
    const start = async (
      ...flags: string[]
    ): Promise<{ local: Program; address: Address }> => {
      const port = await freePort();
      const words = programCommand(runtime, {
        NODE_EXTRA_CA_CERTS: certificate.authority,
        // Deno before 2.9.
        DENO_CERT: certificate.authority,
        XDG_CACHE_HOME: cache,
      });
      const local = await Program.start(
        [...words, "local", publisher.url, "-l", `${port}`, ...flags],
        { ready: /ss-local listening/, cwd: ROOT },
      );
      return { local, address: { host: "127.0.0.1", port } };
    };

    {
      await using _publisher = publisher;
      const { local, address } = await start("--refresh", "1");
      await using _local = local;
      assert.match(
        local.output,
        /trap: the server needs the plugin "\/bin\/touch"/,
      );
      using open = await socksConnect(address, target.address);
      await open.write(command("echo"));
      await echoes(open, "before");

      publisher.published = second.address;
      await local.waitForOutput(/list of servers has changed/, 10_000);
      using later = await socksConnect(address, target.address);
      await later.write(command("echo"));
      await echoes(later, "by the second server");
      await echoes(open, "after");

      await publisher[Symbol.asyncDispose]();
      await local.waitForOutput(/list of servers is not updated/, 10_000);
      await echoes(open, "still");
    }

    const { local, address } = await start();
    await using _local = local;
    assert.match(local.output, /WARN.*using the list of 20/);
    using stream = await socksConnect(address, target.address);
    await stream.write(command("echo"));
    await echoes(stream, "from the kept list");
    stream.close();

    for (const [end, connections] of [[first, 1], [second, 2]] as const) {
      await end.program.stop();
      assert.match(
        end.program.output,
        new RegExp(`served connections=${connections}\\b`),
      );
    }
  });

  test(`local ${runtime} does not take a list from a host it cannot trust`, async () => {
    await using publisher = new Publisher({ host: "127.0.0.1", port: 1 });
    await publisher.start();
    const { code, output } = await runToEnd(
      [
        ...programCommand(runtime, { XDG_CACHE_HOME: join(scratch, "x") }),
        ...["local", publisher.url, "-l", "0"],
      ],
      20_000,
      { cwd: ROOT },
    );
    assert.equal(code, 1, output);
    assert.match(
      output,
      /^umbra: Cannot fetch from 127\.0\.0\.1:\d+: .*certificate/m,
    );
    assert.doesNotMatch(output, /secret-path/);
  });
}

async function echoes(
  stream: Awaited<ReturnType<typeof socksConnect>>,
  text: string,
): Promise<void> {
  const bytes = new TextEncoder().encode(text);
  await stream.write(bytes);
  const back = await stream.readExactly(bytes.length);
  assert.equal(new TextDecoder().decode(back), text);
}
