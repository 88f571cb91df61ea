import assert from "node:assert/strict";
import { test } from "node:test";
import { denoTransport } from "../../../../src/adapters/net/deno.ts";
import { MAX_READ_BUFFER, MIN_READ_BUFFER } from "../../../../src/limits.ts";
import type { Connection } from "../../../../src/transport.ts";

const skip = "Deno" in globalThis ? false : "of Deno's sockets";

/** A socket of Deno whose reads end when the test says so. */
class Socket {
  readonly localAddr = { hostname: "127.0.0.1", port: 1 };
  readonly remoteAddr = { hostname: "127.0.0.1", port: 2 };
  #asked = Promise.withResolvers<() => number>();

  read(buffer: Uint8Array): Promise<number> {
    const { promise, resolve } = Promise.withResolvers<number>();
    this.#asked.resolve(() => {
      resolve(buffer.length);
      return buffer.length;
    });
    return promise;
  }

  setNoDelay(): void {}

  close(): void {}

  /**
   * Waits until somebody reads.
   *
   * @returns Ends the read with a full buffer, and tells its size in bytes.
   */
  async asked(): Promise<() => number> {
    const fill = await this.#asked.promise;
    this.#asked = Promise.withResolvers();
    return fill;
  }
}

/** Opens a connection over a socket of ours. */
async function open(): Promise<{ socket: Socket; connection: Connection }> {
  const socket = new Socket();
  const { connect } = Deno;
  Object.assign(Deno, { connect: () => Promise.resolve(socket) });
  try {
    const connection = await denoTransport()
      .dial({ host: "127.0.0.1", port: 2 });
    return { socket, connection };
  } finally {
    Object.assign(Deno, { connect });
  }
}

test("connections that end as a read does leave the long reads to others", {
  skip,
}, async () => {
  for (let i = 0; i < 64; i++) {
    const { socket, connection } = await open();
    const first = connection.read!();
    const fillFirst = await socket.asked();
    assert.equal(fillFirst(), MIN_READ_BUFFER);
    await first;
    const second = connection.read!();
    const fillSecond = await socket.asked();
    fillSecond();
    connection.close();
    await assert.rejects(second, { code: "ERR_NET_CLOSED" });
  }
  const { socket, connection } = await open();
  const sizes: number[] = [];
  while (sizes.length < 5) {
    const read = connection.read!();
    const fill = await socket.asked();
    sizes.push(fill());
    await read;
  }
  assert.equal(sizes.at(-1), MAX_READ_BUFFER, sizes.join());
  connection.close();
});
