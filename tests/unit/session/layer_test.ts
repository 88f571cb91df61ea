import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../src/bytes.ts";
import { ProtocolError } from "../../../src/errors.ts";
import { systemRandomBytes } from "../../../src/random.ts";
import {
  type Layer,
  LayeredClient,
  LayeredServer,
} from "../../../src/session/layer.ts";
import {
  Client2017,
  Server2017,
} from "../../../src/session/shadowsocks2017/stream.ts";
import type { Step } from "../../../src/session/stream_protocol.ts";
import { randomSplit, seededBytes, utf8 } from "../../support/bytes.ts";
import { testKey } from "../../support/keys.ts";
import { serverWorld } from "../../support/sessions.ts";

const ADDRESS = { host: "example.com", port: 80 };
const NOTHING = new Uint8Array(0);

describe("layers", () => {
  test("carry a session both ways, however the bytes are split", () => {
    for (let seed = 1; seed < 40; seed++) {
      const { client, server } = pair();
      const up = seededBytes(3_000, seed);
      const wire = concat(
        client.greeting,
        client.request(ADDRESS, up),
        client.seal(up),
      );
      let got: Uint8Array = NOTHING;
      let accepted = false;
      for (const part of randomSplit(wire, seed)) {
        if (accepted) {
          got = concat(got, server.open(part).payload);
          continue;
        }
        const { request } = server.accept(part);
        if (request === undefined) continue;
        accepted = true;
        assert.deepEqual(request.address, ADDRESS);
        got = request.payload;
      }
      assert.deepEqual(got, concat(up, up));
      const down = concat(server.greeting, server.seal(utf8("answer")));
      const parts = randomSplit(down, seed).map((part) => client.open(part));
      assert.deepEqual(
        concat(...parts.map(({ payload }) => payload)),
        utf8("answer"),
      );
      for (const end of [client, server]) {
        end.end();
        end.free();
      }
    }
  });

  test("greet before anything else, through the layers below", () => {
    const { client } = pair();
    // The upper layer's greeting is framed by the lower one, which greets first.
    assert.deepEqual(client.greeting, utf8("low:3 u;p;:;"));
  });

  test("answer the peer by themselves, through the layers below", () => {
    const { server } = pair();
    const { request, reply } = server.accept(utf8("low:3 u;p;:;1 ?;"));
    assert.equal(request, undefined);
    assert.deepEqual(reply, utf8("2 o;k;"));
  });

  test("fail where they are left in the middle of something", () => {
    const { server } = pair();
    server.accept(utf8("lo"));
    assert.throws(() => server.end(), ProtocolError);
  });
});

/** Two layers over AEAD 2017: one greets and answers, one splits badly. */
function pair(): { client: LayeredClient; server: LayeredServer } {
  const layers = (): Layer[] => [new Greeter("up:"), new Splitter("low:")];
  return {
    client: new LayeredClient(
      new Client2017(testKey(), systemRandomBytes),
      layers(),
    ),
    server: new LayeredServer(
      new Server2017(
        testKey(),
        serverWorld({ randomBytes: systemRandomBytes }),
      ),
      layers(),
    ),
  };
}

/** Says a word first and awaits the same; answers `?` with `ok`. */
class Greeter implements Layer {
  readonly greeting: Uint8Array;
  #missing: number;

  constructor(word: string) {
    this.greeting = utf8(word);
    this.#missing = word.length;
  }

  wrap(bytes: Uint8Array): Uint8Array {
    return bytes;
  }

  unwrap(bytes: Uint8Array): Step {
    const taken = Math.min(this.#missing, bytes.length);
    this.#missing -= taken;
    const payload = bytes.subarray(taken);
    return payload.length === 1 && payload[0] === 0x3f
      ? { payload: NOTHING, reply: utf8("ok") }
      : { payload };
  }

  end(): void {
    if (this.#missing === 0) return;
    throw new ProtocolError("ERR_SS_TRUNCATED", "The greeting is cut");
  }
}

/** Frames bytes as `COUNT `, then each byte with a `;`; greets once. */
class Splitter implements Layer {
  readonly greeting: Uint8Array;
  #greeted: Uint8Array;
  #received: Uint8Array = NOTHING;

  constructor(word: string) {
    this.greeting = utf8(word);
    this.#greeted = this.greeting;
  }

  wrap(bytes: Uint8Array): Uint8Array {
    if (bytes.length === 0) return bytes;
    const parts = [utf8(`${bytes.length} `)];
    for (const byte of bytes) parts.push(Uint8Array.of(byte), utf8(";"));
    return concat(...parts);
  }

  unwrap(bytes: Uint8Array): Step {
    this.#received = concat(this.#received, bytes);
    const taken = Math.min(this.#greeted.length, this.#received.length);
    this.#greeted = this.#greeted.subarray(taken);
    this.#received = this.#received.subarray(taken);
    const payload: number[] = [];
    for (;;) {
      const space = this.#received.indexOf(0x20);
      if (this.#greeted.length > 0 || space < 0) break;
      const count = Number(
        new TextDecoder().decode(this.#received.subarray(0, space)),
      );
      const end = space + 1 + 2 * count;
      if (this.#received.length < end) break;
      for (let i = space + 1; i < end; i += 2) payload.push(this.#received[i]!);
      this.#received = this.#received.subarray(end);
    }
    return { payload: Uint8Array.from(payload) };
  }

  end(): void {
    if (this.#greeted.length === 0 && this.#received.length === 0) return;
    throw new ProtocolError("ERR_SS_TRUNCATED", "A frame is cut");
  }
}
