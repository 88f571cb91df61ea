/**
 * Frames from a seeded generator: whatever comes is events or our own error, in
 * bounded time; and what is written is read back, however it is split.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../src/bytes.ts";
import { FrameReader, FrameWriter } from "../../src/codec/websocket.ts";
import { ProtocolError } from "../../src/errors.ts";
import { acceptUpgrade } from "../../src/session/websocket/handshake.ts";
import {
  ClientUpgrade,
  ServerUpgrade,
} from "../../src/session/websocket/handshake.ts";
import { seededBytes, seededRandom } from "../support/bytes.ts";

const FRAMES = 100_000;
const HANDSHAKES = 10_000;

test(`FrameReader survives ${FRAMES} damaged frames`, () => {
  const random = seededRandom(41);
  const below = (bound: number): number => random() % bound;
  let refused = 0;
  for (let i = 0; i < FRAMES; i++) {
    const isClient = below(2) === 0;
    const key = seededBytes(4, i);
    const writer = new FrameWriter(isClient ? () => key : undefined);
    const frames = concat(
      ...Array.from({ length: 1 + below(3) }, () => {
        const payload = seededBytes(below(140), i);
        const kind = below(8);
        if (kind === 0) return writer.close(1_000 + below(4_500));
        return kind === 1 && payload.length < 126
          ? writer.pong(payload)
          : writer.message(payload);
      }),
    );
    for (let damage = below(3); damage > 0; damage--) {
      frames[below(Math.min(frames.length, 16))] = below(256);
    }
    const reader = new FrameReader(isClient ? "client" : "server", 300);
    try {
      let length = 0;
      for (let at = 0; at < frames.length;) {
        const end = at + 1 + below(frames.length);
        for (const event of reader.read(frames.slice(at, end))) {
          if (event.kind === "payload") length += event.bytes.length;
        }
        at = end;
      }
      assert.ok(length <= frames.length);
      reader.end();
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
      refused++;
    }
  }
  assert.ok(refused > FRAMES / 10 && refused < FRAMES * 0.9, String(refused));
});

test("messages are read back, however they are split", () => {
  const random = seededRandom(42);
  for (let i = 0; i < 1_000; i++) {
    const key = seededBytes(4, i);
    const writer = new FrameWriter(i % 2 === 0 ? () => key : undefined);
    const sent = Array.from(
      { length: 1 + random() % 4 },
      () => seededBytes(random() % 1_000, i),
    );
    const wire = concat(...sent.map((message) => writer.message(message)));
    const reader = new FrameReader(i % 2 === 0 ? "client" : "server", 1_000);
    const received: Uint8Array[] = [];
    let open: Uint8Array[] = [];
    for (let at = 0; at < wire.length;) {
      const end = at + 1 + random() % 300;
      for (const event of reader.read(wire.slice(at, end))) {
        assert.ok(event.kind === "payload");
        open.push(event.bytes);
        if (!event.isLast) continue;
        received.push(concat(...open));
        open = [];
      }
      at = end;
    }
    assert.deepEqual(received, sent);
  }
});

test(`both ends survive ${HANDSHAKES} damaged handshakes`, () => {
  const random = seededRandom(43);
  const target = { authority: "example.com", path: "/secret" };
  for (let i = 0; i < HANDSHAKES; i++) {
    const client = new ClientUpgrade(target, (n) => seededBytes(n, i));
    const request = client.request.slice();
    const head = new ServerUpgrade().read(request)!.head;
    const answer = acceptUpgrade(head)!.slice();
    for (const bytes of [request, answer]) {
      for (let damage = random() % 3; damage >= 0; damage--) {
        bytes[random() % bytes.length] = random() % 256;
      }
    }
    try {
      client.read(answer);
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
    }
    try {
      const read = new ServerUpgrade().read(request);
      if (read !== undefined) acceptUpgrade(read.head);
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
    }
  }
});
