import assert from "node:assert/strict";
import { test } from "node:test";
import { concat } from "../../../src/bytes.ts";
import {
  type FrameEvent,
  FrameReader,
  FrameWriter,
  type WebSocketEnd,
} from "../../../src/codec/websocket.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { hex, unaligned } from "../../support/bytes.ts";

/** RFC 6455 §5.7, with text made binary: `Hello` is 48656c6c6f. */
const EXAMPLES: readonly {
  readonly what: string;
  readonly peer: WebSocketEnd;
  readonly wire: string;
  readonly events: readonly FrameEvent[];
}[] = [
  {
    what: "an unmasked message",
    peer: "server",
    wire: "820548656c6c6f",
    events: [payload("48656c6c6f")],
  },
  {
    what: "a masked message",
    peer: "client",
    wire: "828537fa213d7f9f4d5158",
    events: [payload("48656c6c6f")],
  },
  {
    what: "a message in two fragments",
    peer: "server",
    wire: "020348656c80026c6f",
    events: [payload("48656c", false), payload("6c6f")],
  },
  {
    what: "a ping",
    peer: "server",
    wire: "890548656c6c6f",
    events: [{ kind: "ping", bytes: hex("48656c6c6f") }],
  },
  {
    what: "a masked pong, of which nothing comes",
    peer: "client",
    wire: "8a8537fa213d7f9f4d5158",
    events: [],
  },
  {
    what: "a ping between two fragments",
    peer: "server",
    wire: "0201418900800142",
    events: [
      payload("41", false),
      { kind: "ping", bytes: hex("") },
      payload("42"),
    ],
  },
  {
    what: "an empty message",
    peer: "server",
    wire: "8200",
    events: [payload("")],
  },
  {
    what: "an end with a code and a reason",
    peer: "server",
    wire: "880403e84f4b",
    events: [{ kind: "close", code: 1_000 }],
  },
  {
    what: "an end without a code",
    peer: "client",
    wire: "888001020304",
    events: [{ kind: "close", code: undefined }],
  },
];

for (const { what, peer, wire, events } of EXAMPLES) {
  test(`FrameReader reads ${what}, split anywhere`, () => {
    const expected = merge(events);
    const bytes = hex(wire);
    assert.deepEqual(merge(read(peer, [bytes])), expected);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const parts = [bytes.subarray(0, cut), bytes.subarray(cut)];
      assert.deepEqual(merge(read(peer, parts)), expected, `cut at ${cut}`);
    }
    const single = [...bytes].map((byte) => Uint8Array.of(byte));
    assert.deepEqual(merge(read(peer, single)), expected);
  });

  test(`FrameReader says that ${what} is not complete at each byte`, () => {
    const bytes = hex(wire);
    for (let cut = 1; cut < bytes.length; cut++) {
      const reader = new FrameReader(peer, 1_000);
      reader.read(bytes.slice(0, cut));
      // Between two frames of one message as well.
      assert.throws(() => reader.end(), hasCode("ERR_WS_TRUNCATED"));
    }
    const reader = new FrameReader(peer, 1_000);
    reader.read(bytes.slice());
    reader.end();
  });
}

for (
  const [what, wire] of [
    ["RSV1, which permessage-deflate sets", "c20548656c6c6f"],
    ["RSV2", "a20548656c6c6f"],
    ["RSV3", "920548656c6c6f"],
    ["text", "810548656c6c6f"],
    ["an opcode of no meaning", "830548656c6c6f"],
    ["a control opcode of no meaning", "8b00"],
    ["a mask", "828537fa213d7f9f4d5158"],
    ["a control frame in fragments", "0900"],
    ["a control frame of 126 bytes", "897e007e"],
    ["a continuation of nothing", "800141"],
    ["a message inside a message", "020141820142"],
    ["16 bits for 125 bytes", "827e007d"],
    ["64 bits for 65,535 bytes", "827f000000000000ffff"],
    ["more than a message may have", "827e03e9"],
    ["more in fragments", "027e03e8" + "00".repeat(1_000) + "800142"],
    ["2^63 bytes", "827f8000000000000000"],
    ["an end with half a code", "880103"],
    ["an end with code 999", "880203e7"],
    ["an end with code 1004", "880203ec"],
    ["an end with code 1005", "880203ed"],
    ["an end with code 1006", "880203ee"],
    ["an end with code 1015", "880203f7"],
    ["an end with code 5000", "88021388"],
  ] as const
) {
  test(`FrameReader refuses ${what}`, () => {
    const bytes = hex(wire);
    assert.throws(() => read("server", [bytes]), hasCode("ERR_WS_FRAME"));
    const single = [...bytes].map((byte) => Uint8Array.of(byte));
    assert.throws(() => read("server", single), hasCode("ERR_WS_FRAME"));
  });
}

test("FrameReader refuses a client's frame without a mask", () => {
  assert.throws(
    () => read("client", [hex("820548656c6c6f")]),
    hasCode("ERR_WS_FRAME"),
  );
});

test("FrameReader ignores what comes behind an end", () => {
  const reader = new FrameReader("server", 1_000);
  const events = reader.read(hex("8800820141"));
  assert.deepEqual(events, [{ kind: "close", code: undefined }]);
  assert.equal(reader.isClosed, true);
  assert.deepEqual(reader.read(hex("ffff")), []);
  reader.end();
});

test("FrameReader takes exactly as much as a message may have", () => {
  const frame = new FrameWriter(undefined).message(new Uint8Array(1_000));
  assert.equal(merge(read("server", [frame])).length, 1);
});

for (const end of ["client", "server"] as const) {
  test(`FrameWriter of a ${end} writes what the other end reads`, () => {
    const key = hex("37fa213d");
    const writer = new FrameWriter(end === "client" ? () => key : undefined);
    for (const length of [0, 1, 4, 125, 126, 127, 65_535, 65_536, 70_000]) {
      const sent = unaligned(
        Uint8Array.from({ length }, (_, i) => 7 * i + (i >> 8)),
      );
      const before = sent.slice();
      const frame = writer.message(sent);
      assert.deepEqual(sent, before);
      const head = (length < 126 ? 2 : length < 65_536 ? 4 : 10) +
        (end === "client" ? 4 : 0);
      assert.equal(frame.length, head + length);
      assert.deepEqual(
        merge(read(end, [frame.subarray(0, 9), frame.subarray(9)], 70_000)),
        [{ kind: "payload", bytes: before, isLast: true }],
      );
    }
    assert.deepEqual(read(end, [writer.close(1_000)]), [
      { kind: "close", code: 1_000 },
    ]);
    assert.deepEqual(read(end, [writer.pong(hex("4142"))]), []);
  });
}

test("FrameWriter of a client masks each frame with a key of its own", () => {
  let calls = 0;
  const writer = new FrameWriter((length) =>
    new Uint8Array(length).fill(++calls)
  );
  assert.deepEqual(writer.message(hex("00")), hex("82810101010101"));
  assert.deepEqual(writer.message(hex("00")), hex("82810202020202"));
});

test("FrameReader answers every flipped bit with events or its own error", () => {
  const wire = hex("020348656c" + "890141" + "80026c6f" + "880203e8");
  for (let bit = 0; bit < 8 * wire.length; bit++) {
    const changed = wire.slice();
    changed[bit >> 3]! ^= 1 << (bit & 7);
    try {
      const reader = new FrameReader("server", 1_000);
      reader.read(changed);
      reader.end();
    } catch (error) {
      assert.ok(error instanceof ProtocolError, String(error));
    }
  }
});

/** Reads parts of a connection; each is copied, for it is unmasked in place. */
function read(
  peer: WebSocketEnd,
  parts: readonly Uint8Array[],
  maxMessage = 1_000,
): FrameEvent[] {
  const reader = new FrameReader(peer, maxMessage);
  return parts.flatMap((part) => reader.read(part.slice()));
}

/** Parts of one frame as one, however they were split. */
function merge(events: readonly FrameEvent[]): FrameEvent[] {
  const merged: FrameEvent[] = [];
  let open: FrameEvent & { kind: "payload" } | undefined;
  for (const event of events) {
    if (event.kind !== "payload" || open === undefined) merged.push(event);
    else {
      merged[merged.indexOf(open)] = {
        ...event,
        bytes: concat(open.bytes, event.bytes),
      };
    }
    const last = merged.at(-1)!;
    open = last.kind === "payload" && !last.isLast ? last : undefined;
  }
  return merged;
}

function payload(text: string, isLast = true): FrameEvent {
  return { kind: "payload", bytes: hex(text), isLast };
}

function hasCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}
