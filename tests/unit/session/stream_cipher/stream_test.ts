import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../src/bytes.ts";
import { encodeAddress } from "../../../../src/codec/address.ts";
import type {
  KeyStream,
  KeyStreamProvider,
} from "../../../../src/crypto/key_stream.ts";
import { referenceKeyStreams } from "../../../../src/crypto/key_streams/reference.ts";
import { StreamKey } from "../../../../src/crypto/stream_key.ts";
import { STREAM_METHODS } from "../../../../src/crypto/stream_methods.ts";
import { ProtocolError } from "../../../../src/errors.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import type { IvMemory } from "../../../../src/session/stream_cipher/iv_memory.ts";
import {
  CipherClient,
  CipherServer,
} from "../../../../src/session/stream_cipher/stream.ts";
import type { StreamRequest } from "../../../../src/session/stream_protocol.ts";
import {
  hex,
  randomSplit,
  seededBytes,
  seededRandom,
  utf8,
} from "../../../support/bytes.ts";
import {
  Forgetful,
  testMemory,
  testStreamKey,
} from "../../../support/stream_keys.ts";
import ota from "../../../vectors/ota.json" with { type: "json" };

const ADDRESS = { host: "example.com", port: 80 };
const NOTHING = new Uint8Array(0);

/** Both ends of streams under one key and one memory. */
function ends(
  key: StreamKey,
  memory: IvMemory = testMemory(),
): { client(): CipherClient; server(): CipherServer } {
  return {
    client: () => new CipherClient(key, systemRandomBytes),
    server: () => new CipherServer(key, systemRandomBytes, memory),
  };
}

for (const method of STREAM_METHODS) {
  if (referenceKeyStreams.lacks(method) !== undefined) continue;
  describe(method.name, () => {
    const key = testStreamKey(method.name);

    test("both ends understand each other, at random splits", () => {
      for (let seed = 1; seed <= 5; seed++) {
        const protocol = ends(key);
        const [client, server] = [protocol.client(), protocol.server()];
        const up = concat(
          client.request(ADDRESS, utf8("hello")),
          client.seal(seededBytes(700, seed)),
        );
        let request: StreamRequest | undefined;
        let read: Uint8Array = NOTHING;
        for (const part of randomSplit(up, seed)) {
          if (request === undefined) {
            ({ request } = server.accept(part));
            read = concat(read, request?.payload ?? NOTHING);
          } else read = concat(read, server.open(part).payload);
        }
        assert.deepEqual(request?.address, ADDRESS);
        assert.deepEqual(read, concat(utf8("hello"), seededBytes(700, seed)));

        const down = concat(server.seal(utf8("an")), server.seal(utf8("swer")));
        const answer = randomSplit(down, seed).map((part) =>
          client.open(part).payload
        );
        assert.deepEqual(concat(...answer), utf8("answer"));
        for (const end of [client, server]) {
          end.end();
          end.free();
          end.free();
        }
      }
    });

    test("the wire is an IV and as many bytes as there are of plaintext", () => {
      const protocol = ends(key);
      const [client, server] = [protocol.client(), protocol.server()];
      const head = encodeAddress(ADDRESS);
      const request = client.request(ADDRESS, NOTHING);
      assert.equal(request.length, method.ivLength + head.length);
      assert.equal(client.seal(utf8("more")).length, 4);
      // Nothing is sent before the target speaks.
      assert.equal(server.seal(NOTHING).length, 0);
      assert.equal(server.seal(utf8("x")).length, method.ivLength + 1);
    });
  });
}

describe("accept()", () => {
  const key = testStreamKey();

  test("wants every byte of IV and address", () => {
    const wire = ends(key).client()
      .request(ADDRESS, NOTHING);
    const whole = { request: { address: ADDRESS, payload: NOTHING } };
    for (let cut = 0; cut < wire.length; cut++) {
      const server = newServer();
      assert.deepEqual(server.accept(wire.subarray(0, cut)), {});
      assert.deepEqual(server.accept(wire.subarray(cut)), whole);
    }
    const server = newServer();
    for (const byte of wire.subarray(0, -1)) {
      assert.deepEqual(server.accept(Uint8Array.of(byte)), {});
    }
    assert.deepEqual(server.accept(wire.subarray(-1)), whole);
  });

  test("refuses a bad address, by its code", () => {
    const cases: [Uint8Array, string][] = [
      [Uint8Array.of(9, 9), "ERR_SS_ADDRESS_TYPE"],
      [Uint8Array.of(3, 0, 0, 80), "ERR_SS_ADDRESS_INVALID"],
      [encodeAddress({ host: "1.2.3.4", port: 0 }), "ERR_SS_ADDRESS_INVALID"],
      [Uint8Array.of(0x11), "ERR_SS_ONE_TIME_AUTH"],
      [Uint8Array.of(0x13), "ERR_SS_ONE_TIME_AUTH"],
      [Uint8Array.of(0x14), "ERR_SS_ONE_TIME_AUTH"],
      [Uint8Array.of(0x12, 1), "ERR_SS_ADDRESS_TYPE"],
      [Uint8Array.of(0x21, 1), "ERR_SS_ADDRESS_TYPE"],
    ];
    for (const [plaintext, code] of cases) {
      const wire = ends(key).client()
        .seal(plaintext);
      assert.throws(() => newServer().accept(wire), isError(code));
    }
  });

  test("refuses one-time authentication as its client sends it", () => {
    const key = testStreamKey(ota.method, ota.password);
    const server = ends(key).server();
    assert.throws(
      () => server.accept(hex(ota.wire[0]!)),
      isError("ERR_SS_ONE_TIME_AUTH"),
    );
  });

  test("gives no more than declared errors for random bytes", () => {
    const next = seededRandom(7);
    const bytes = (length: number): Uint8Array =>
      Uint8Array.from({ length }, () => next());
    let requests = 0;
    for (let round = 0; round < 20_000; round++) {
      const server = newServer();
      try {
        for (let read = 0; read < 3; read++) {
          if (server.accept(bytes(next() % 40)).request === undefined) {
            continue;
          }
          requests++;
          break;
        }
      } catch (error) {
        assert.ok(error instanceof ProtocolError, String(error));
      } finally {
        server.free();
      }
    }
    // Nothing is authenticated: some of what is random is a request.
    assert.ok(requests > 0);
  });

  test("another key's request is refused, or is of another address", () => {
    let refused = 0;
    for (let i = 0; i < 200; i++) {
      const wire = new CipherClient(
        testStreamKey("aes-256-cfb", "other"),
        (length) => seededBytes(length, i),
      ).request(ADDRESS, utf8("hello"));
      try {
        const { request } = newServer().accept(wire);
        assert.notDeepEqual(request?.address, ADDRESS);
      } catch (error) {
        assert.ok(error instanceof ProtocolError);
        refused++;
      }
    }
    assert.ok(refused > 150, `${refused} of 200`);
  });

  function newServer(): CipherServer {
    return ends(key).server();
  }
});

describe("the memory of IVs", () => {
  const key = testStreamKey("aes-256-ctr");

  test("refuses a recorded request, at once and after others", () => {
    const memory = testMemory();
    const protocol = ends(key, memory);
    const recorded = protocol.client().request(ADDRESS, utf8("hello"));
    assert.ok(protocol.server().accept(recorded).request);
    for (let i = 0; i < 60; i++) {
      const other = protocol.client().request(ADDRESS, NOTHING);
      assert.ok(protocol.server().accept(other).request);
      assert.throws(
        () => protocol.server().accept(recorded),
        isError("ERR_SS_REPLAY"),
      );
    }
    // Also with changed bytes behind the same IV.
    const changed = recorded.slice();
    changed[changed.length - 1]! ^= 1;
    assert.throws(
      () => protocol.server().accept(changed),
      isError("ERR_SS_REPLAY"),
    );
  });

  test("refuses the redirect attack, which works without it", () => {
    const response = utf8("HTTP/1.1 200 OK\r\n\r\nthe secret page");
    const attacker = encodeAddress({ host: "203.0.113.66", port: 7777 });
    /** What an observer makes of a response whose beginning it guesses. */
    const attack = (recorded: Uint8Array): Uint8Array => {
      const changed = recorded.slice();
      attacker.forEach((byte, i) => {
        changed[key.method.ivLength + i]! ^= response[i]! ^ byte;
      });
      return changed;
    };
    const answered = (memory: IvMemory): [Uint8Array, CipherServer] => {
      const protocol = ends(key, memory);
      const server = protocol.server();
      server.accept(protocol.client().request(ADDRESS, NOTHING));
      return [server.seal(response), protocol.server()];
    };

    const [unprotected, naive] = answered(new Forgetful());
    assert.deepEqual(naive.accept(attack(unprotected)).request, {
      address: { host: "203.0.113.66", port: 7777 },
      payload: response.subarray(attacker.length),
    });

    const [recorded, server] = answered(testMemory());
    assert.throws(
      () => server.accept(attack(recorded)),
      isError("ERR_SS_REPLAY"),
    );
  });

  test("is not filled by what is no request", () => {
    const memory = testMemory();
    const protocol = ends(key, memory);
    const recorded = protocol.client().request(ADDRESS, NOTHING);
    protocol.server().accept(recorded);
    // The memory holds 128.
    for (let i = 0; i < 1_000; i++) {
      const bad = protocol.client().seal(Uint8Array.of(9, 9));
      assert.throws(
        () => protocol.server().accept(bad),
        isError("ERR_SS_ADDRESS_TYPE"),
      );
    }
    assert.throws(
      () => protocol.server().accept(recorded),
      isError("ERR_SS_REPLAY"),
    );
  });

  test("has nothing to remember of a method without an IV", () => {
    for (const name of ["rc4", "table", "none"]) {
      const memory = testMemory();
      const protocol = ends(testStreamKey(name), memory);
      for (let i = 0; i < 2; i++) {
        const request = protocol.client().request(ADDRESS, NOTHING);
        assert.ok(protocol.server().accept(request).request);
      }
    }
  });

  test("tells IVs of 6 and 8 bytes apart", () => {
    for (const name of ["rc4-md5-6", "chacha20"]) {
      const memory = testMemory();
      const protocol = ends(testStreamKey(name), memory);
      for (let i = 0; i < 50; i++) {
        const request = protocol.client().request(ADDRESS, NOTHING);
        assert.ok(protocol.server().accept(request).request);
        assert.throws(
          () => protocol.server().accept(request),
          isError("ERR_SS_REPLAY"),
        );
      }
    }
  });
});

test("end() finds a stream that ends inside its IV, and no other", () => {
  const protocol = ends(testStreamKey());
  const wire = protocol.client().seal(utf8("x"));
  for (let cut = 0; cut <= wire.length; cut++) {
    const client = protocol.client();
    client.open(wire.subarray(0, cut));
    if (cut === 0 || cut >= 16) client.end();
    else assert.throws(() => client.end(), isError("ERR_SS_TRUNCATED"));
  }
});

test("free() gives every key stream back, at every point of a session", () => {
  let open = 0;
  const counting: KeyStreamProvider = {
    ...referenceKeyStreams,
    keyStream(...parts): KeyStream {
      const stream = referenceKeyStreams.keyStream(...parts);
      open++;
      let freed = false;
      return {
        apply: (input, out) => stream.apply(input, out),
        free(): void {
          if (!freed) open--;
          freed = true;
        },
      };
    },
  };
  const { method } = testStreamKey();
  const key = new StreamKey(method, seededBytes(32), counting);
  const protocol = ends(key, new Forgetful());
  const wire = protocol.client().request(ADDRESS, utf8("x"));
  open = 0;
  for (let cut = 0; cut <= wire.length; cut++) {
    const server = protocol.server();
    server.accept(wire.subarray(0, cut));
    if (cut % 2 === 0) server.seal(utf8("y"));
    server.free();
    server.free();
    assert.equal(open, 0);
    assert.throws(() => server.open(wire), TypeError);
    if (cut % 2 === 0) assert.throws(() => server.seal(wire), TypeError);
  }
});

test("what open() gives shares no memory with what it was given", () => {
  for (const name of ["none", "aes-128-cfb"]) {
    const protocol = ends(testStreamKey(name));
    const wire = protocol.client().seal(utf8("hello"));
    const { payload: opened } = protocol.client().open(wire);
    wire.fill(0);
    assert.deepEqual(opened, utf8("hello"));
  }
});

function isError(code: string): (error: unknown) => boolean {
  return (error) => error instanceof ProtocolError && error.code === code;
}
