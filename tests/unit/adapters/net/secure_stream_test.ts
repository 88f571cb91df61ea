/**
 * TLS over real sockets, with resolvers that speak it: what the certificate must
 * hold for, and what becomes of a stream that ends or is given up.
 *
 * @module
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { secureStream } from "../../../../src/adapters/net/secure_stream.ts";
import { systemTransport } from "../../../../src/adapters/net/system.ts";
import { TransportError } from "../../../../src/errors.ts";
import { Channel } from "../../../../src/streams/channel.ts";
import type { ByteStream } from "../../../../src/transport.ts";
import { makeCertificate } from "../../../support/certificate.ts";
import { startDot } from "../../../support/secure_dns.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-tls-"));
after(() => rmSync(folder, { recursive: true, force: true }));
const certificate = makeCertificate(folder);

async function open(port: number): Promise<ByteStream & { closed: boolean }> {
  const transport = systemTransport();
  const channel = new Channel(
    await transport.dial({ host: "127.0.0.1", port }),
  );
  const stream = {
    closed: false,
    read: (signal?: AbortSignal) => channel.read(signal ?? NEVER),
    write: (bytes: Uint8Array, signal?: AbortSignal) =>
      channel.write(bytes, signal ?? NEVER),
    close: () => {
      stream.closed = true;
      channel.close();
    },
  };
  return stream;
}

const NEVER = new AbortController().signal;

test("secureStream() refuses a certificate of an unknown authority", async () => {
  await using dot = await startDot(certificate);
  const stream = await open(dot.port);
  await assert.rejects(
    secureStream(stream, { serverName: "127.0.0.1", signal: NEVER }),
    (error) =>
      error instanceof TransportError && error.code === "ERR_NET_TLS" &&
      /TLS with 127\.0\.0\.1/.test(error.message),
  );
  assert.equal(stream.closed, true);
  assert.deepEqual(dot.asked, []);
});

test("secureStream() gives a handshake up, and closes what it was given", async () => {
  const silent = createServer((socket) => socket.on("error", () => {}));
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as { port: number };
  const stop = new AbortController();
  const stream = await open(port);
  const opening = secureStream(stream, {
    serverName: "127.0.0.1",
    signal: stop.signal,
  });
  setTimeout(() => stop.abort(new Error("enough")), 50);
  await assert.rejects(opening, /enough/);
  assert.equal(stream.closed, true);
  silent.close();
});

test("secureStream() fails where the stream ends or is no TLS", async () => {
  for (const text of ["", "220 no TLS here\r\n"]) {
    const other = createServer((socket) => {
      socket.on("error", () => {});
      socket.end(text);
    });
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const stream = await open(port);
    await assert.rejects(
      secureStream(stream, { serverName: "127.0.0.1", signal: NEVER }),
      TransportError,
      text,
    );
    assert.equal(stream.closed, true);
    other.close();
  }
});
