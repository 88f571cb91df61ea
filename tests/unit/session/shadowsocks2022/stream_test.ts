import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../../src/bytes.ts";
import { encodeAddress } from "../../../../src/codec/address.ts";
import { ChunkSealer } from "../../../../src/codec/chunk_sealer.ts";
import {
  encodeRequestBody,
  encodeRequestHeader,
  encodeResponseHeader,
} from "../../../../src/codec/stream_header_2022.ts";
import { METHODS } from "../../../../src/crypto/method.ts";
import type { Psk } from "../../../../src/crypto/psk.ts";
import { type ErrorCode, ProtocolError } from "../../../../src/errors.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import {
  type ReplayFilter,
  replayFilterFor,
} from "../../../../src/security/replay_filter.ts";
import { Users2022 } from "../../../../src/session/shadowsocks2022/users.ts";
import {
  flipBit,
  randomSplit,
  seededBytes,
  utf8,
} from "../../../support/bytes.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { testPsk } from "../../../support/keys.ts";
import {
  type PlainServer,
  type Streams,
  streams2022,
} from "../../../support/sessions.ts";

const ADDRESS = { host: "example.com", port: 80 };
const UNIX_SECONDS = 1_700_000_000;
const NOTHING = new Uint8Array(0);

for (const { name } of METHODS.filter(({ family }) => family.needsClock)) {
  describe(name, () => {
    const streams = protocol(testPsk(name));

    test("client and server understand each other, around every bound", () => {
      const lengths = [0, 1, 899, 900, 901, 65_000, 65_535, 65_536, 200_000];
      for (const length of lengths) {
        const [client, server] = [streams.client(), streams.server()];
        const up = seededBytes(length, 1);
        const down = seededBytes(length + 1, 2);
        const request = server.accept(client.request(ADDRESS, up));
        assert.deepEqual(request, { address: ADDRESS, payload: up });
        assert.deepEqual(server.open(client.seal(down)), down);
        assert.deepEqual(client.open(server.seal(down)), down);
        assert.deepEqual(client.open(server.seal(down)), down);
        for (const end of [client, server]) {
          end.end();
          end.free();
        }
      }
    });

    test("accept() and open() take bytes one by one, and split anyhow", () => {
      const payload = seededBytes(300);
      for (let seed = 0; seed < 30; seed++) {
        const [client, server] = [streams.client(), streams.server()];
        const up = concat(
          client.request(ADDRESS, payload),
          client.seal(payload),
        );
        const got = acceptAll(
          server,
          seed === 0 ? bytewise(up) : randomSplit(up, seed),
        );
        assert.deepEqual(got, concat(payload, payload));
        const down = concat(server.seal(payload), server.seal(payload));
        const parts = seed === 0 ? bytewise(down) : randomSplit(down, seed);
        assert.deepEqual(
          concat(...parts.map((part) => client.open(part))),
          concat(payload, payload),
        );
      }
    });

    test("accept() yields nothing of a request that is cut, or has a flipped bit", () => {
      const request = streams.client().request(ADDRESS, utf8("hi"));
      for (let cut = 0; cut < request.length; cut += cut < 90 ? 1 : 97) {
        assert.equal(
          streams.server().accept(request.subarray(0, cut)),
          undefined,
        );
      }
      for (let bit = 0; bit < request.length * 8; bit += bit < 800 ? 1 : 101) {
        expectCode(
          "ERR_SS_AUTHENTICATION",
          () => streams.server().accept(flipBit(request, bit)),
        );
      }
    });

    test("open() of the client refuses a response with a flipped bit", () => {
      // All clients draw the same salt, and so await the same response.
      const clients = protocol(testPsk(name), new FakeClock(), undefined, 7);
      const server = streams.server();
      server.accept(clients.client().request(ADDRESS, NOTHING));
      const response = server.seal(utf8("hi"));
      assert.deepEqual(clients.client().open(response), utf8("hi"));
      for (let bit = 0; bit < response.length * 8; bit++) {
        const twin = clients.client();
        expectCode(
          "ERR_SS_AUTHENTICATION",
          () => twin.open(flipBit(response, bit)),
        );
      }
    });
  });
}

describe("accept()", () => {
  const psk = testPsk();

  test("takes time stamps up to 30 s off, and tells how far off others are", () => {
    for (const skew of [-30, -1, 0, 30]) {
      assert.ok(protocol(psk).server().accept(request(psk, { skew })));
    }
    for (
      const [skew, text] of [[-31, /31 s behind/], [31, /31 s ahead/]] as const
    ) {
      assert.throws(
        () => protocol(psk).server().accept(request(psk, { skew })),
        (error) =>
          error instanceof ProtocolError && error.code === "ERR_SS_TIMESTAMP" &&
          text.test(error.message) && error.clockSkewSeconds === skew,
      );
    }
    expectCode(
      "ERR_SS_TIMESTAMP",
      () =>
        protocol(psk).server().accept(
          request(psk, { seconds: 2 ** 64 - 1024 }),
        ),
    );
  });

  test("refuses a response, which is what a reflected stream is", () => {
    const header = encodeResponseHeader({
      unixSeconds: UNIX_SECONDS,
      requestSalt: new Uint8Array(0),
      length: 20,
    });
    expectCode(
      "ERR_SS_HEADER_TYPE",
      () =>
        protocol(psk).server().accept(start(psk, header, new Uint8Array(20))),
    );
  });

  test("refuses a request with neither payload nor padding, and with padding beyond its end", () => {
    const address = encodeAddress(ADDRESS);
    const cases: [Uint8Array, ErrorCode][] = [
      [encodeRequestBody(ADDRESS, 0, NOTHING), "ERR_SS_PADDING"],
      [concat(address, Uint8Array.of(0, 3, 1, 2)), "ERR_SS_PADDING"],
      [concat(address, Uint8Array.of(0)), "ERR_SS_PADDING"],
      [address, "ERR_SS_PADDING"],
      [address.subarray(0, -1), "ERR_SS_ADDRESS_INVALID"],
      [Uint8Array.of(9, 9, 9), "ERR_SS_ADDRESS_TYPE"],
      [NOTHING, "ERR_SS_ADDRESS_INVALID"],
      [
        encodeRequestBody({ host: "1.2.3.4", port: 0 }, 1, NOTHING),
        "ERR_SS_ADDRESS_INVALID",
      ],
    ];
    for (const [body, code] of cases) {
      expectCode(
        code,
        () => protocol(psk).server().accept(request(psk, { body })),
      );
    }
    assert.ok(
      protocol(psk).server().accept(
        request(psk, { body: encodeRequestBody(ADDRESS, 1, NOTHING) }),
      ),
    );
  });

  test("refuses a chunk of length 0 behind the request", () => {
    const sealer = new ChunkSealer(psk, systemRandomBytes);
    const body = encodeRequestBody(ADDRESS, 1, NOTHING);
    const stream = sealer.start(NOTHING, [
      header(body),
      body,
      Uint8Array.of(0, 0),
    ]);
    expectCode(
      "ERR_SS_LENGTH_ZERO",
      () => protocol(psk).server().accept(stream),
    );
  });

  test("refuses a salt twice, from the moment its fixed header is authentic", () => {
    const clock = new FakeClock();
    const server = protocol(psk, clock, replayFilterFor("minute", clock));
    const wire = request(psk);
    // Neither a forgery nor half a header is recorded.
    expectCode(
      "ERR_SS_AUTHENTICATION",
      () => server.server().accept(flipBit(wire, 16 * 8)),
    );
    assert.equal(server.server().accept(wire.subarray(0, 42)), undefined);
    assert.equal(server.server().accept(wire.subarray(0, 43)), undefined);
    expectCode("ERR_SS_REPLAY", () => server.server().accept(wire));
  });

  test("refuses a stamp from before the filter's time", async () => {
    const clock = new FakeClock();
    await clock.advance(5_000);
    const server = protocol(psk, clock, replayFilterFor("minute", clock));
    expectCode(
      "ERR_SS_TIMESTAMP",
      () => server.server().accept(request(psk, { skew: 4 })),
    );
    assert.ok(server.server().accept(request(psk, { skew: 5 })));
  });

  test("serves a replay when the filter is taken out, so the test above can fail", () => {
    const server = protocol(psk, new FakeClock(), {
      remembers: () => true,
      add: () => true,
      remember: () => {},
    });
    const wire = request(psk);
    assert.ok(server.server().accept(wire));
    assert.ok(server.server().accept(wire));
  });
});

describe("client", () => {
  const psk = testPsk();

  test("pads a request without payload by 1 to 900 bytes, and a long one not at all", () => {
    const fixed = 16 + 27 + encodeAddress(ADDRESS).length + 2 + 16;
    const lengthWith = (draw: number, payload: Uint8Array): number =>
      protocol(psk, new FakeClock(), undefined, draw).client()
        .request(ADDRESS, payload).length - fixed - payload.length;
    assert.equal(lengthWith(0, NOTHING), 1);
    assert.equal(lengthWith(0xff, NOTHING), 900);
    assert.equal(lengthWith(0, new Uint8Array(100)), 0);
    assert.equal(lengthWith(0xff, new Uint8Array(100)), 800);
    assert.equal(lengthWith(0xff, new Uint8Array(900)), 0);
    assert.equal(lengthWith(0xff, new Uint8Array(5_000)), 0);
  });

  test("refuses a response to another request, an old one, and an empty one", () => {
    const cases: [Parameters<typeof encodeResponseHeader>[0], ErrorCode][] = [
      [
        { unixSeconds: UNIX_SECONDS, requestSalt: SALT, length: 5 },
        "ERR_SS_SALT_MISMATCH",
      ],
      [
        { unixSeconds: UNIX_SECONDS - 31, requestSalt: SALT, length: 5 },
        "ERR_SS_TIMESTAMP",
      ],
    ];
    for (const [said, code] of cases) {
      const client = protocol(psk).client();
      client.request(ADDRESS, NOTHING);
      expectCode(
        code,
        () =>
          client.open(start(psk, encodeResponseHeader(said), utf8("hello"))),
      );
    }
    const client = protocol(psk, new FakeClock(), undefined, 7).client();
    client.request(ADDRESS, NOTHING);
    const empty = encodeResponseHeader({
      unixSeconds: UNIX_SECONDS,
      requestSalt: new Uint8Array(16).fill(7),
      length: 0,
    });
    expectCode(
      "ERR_SS_LENGTH_ZERO",
      () => client.open(start(psk, empty, NOTHING)),
    );
  });

  test("end() knows a response that ended early from none at all", () => {
    const client = protocol(psk).client();
    client.end();
    client.open(Uint8Array.of(1));
    expectCode("ERR_SS_TRUNCATED", () => client.end());
  });

  test("writes one identity header for each key before its own", () => {
    const [first, second, own] = [1, 2, 3].map((seed) =>
      testPsk(undefined, seed)
    ) as [Psk, Psk, Psk];
    const wire = streams2022(
      { psk: own, identityKeys: [first, second] },
      { clock: new FakeClock(), randomBytes: systemRandomBytes },
    ).client().request(ADDRESS, NOTHING);
    const salt = wire.subarray(0, 16);
    assert.deepEqual(
      first.identityCipher(salt).decrypt(wire.subarray(16, 32)),
      second.identityHash,
    );
    assert.deepEqual(
      second.identityCipher(salt).decrypt(wire.subarray(32, 48)),
      own.identityHash,
    );
    // The next server sees the same without the first header.
    const users = new Users2022([{ name: "me", psk: own }]);
    const server = streams2022({ psk: second, users }, {
      clock: new FakeClock(),
      randomBytes: systemRandomBytes,
    }).server();
    assert.equal(
      server.accept(concat(salt, wire.subarray(32)))?.user,
      "me",
    );
  });
});

test("a server with users refuses strangers, and clients without a name", () => {
  const identity = testPsk(undefined, 9);
  const users = new Users2022([{ name: "alice", psk: testPsk() }]);
  const world = { clock: new FakeClock(), randomBytes: systemRandomBytes };
  const server = streams2022({ psk: identity, users }, world);
  const knock = (psk: Psk, ...identityKeys: Psk[]): unknown =>
    server.server().accept(
      streams2022({ psk, identityKeys }, world).client()
        .request(ADDRESS, seededBytes(100)),
    );
  assert.ok(knock(testPsk(), identity));
  expectCode(
    "ERR_SS_USER_UNKNOWN",
    () => knock(testPsk(undefined, 2), identity),
  );
  expectCode("ERR_SS_USER_UNKNOWN", () => knock(testPsk()));
  expectCode("ERR_SS_USER_UNKNOWN", () => knock(identity));
});

test("RecentSalts serves the 2022 edition too, where salts are all it knows", () => {
  const clock = new FakeClock();
  const server = protocol(testPsk(), clock, replayFilterFor("recent", clock));
  const wire = request(testPsk());
  assert.ok(server.server().accept(wire));
  expectCode("ERR_SS_REPLAY", () => server.server().accept(wire));
});

const SALT = new Uint8Array(16).fill(0x55);

/** A protocol; `draw`: what every random byte is. */
function protocol(
  psk: Psk,
  clock: FakeClock = new FakeClock(),
  filter?: ReplayFilter,
  draw?: number,
): Streams {
  const randomBytes = draw === undefined
    ? systemRandomBytes
    : (length: number): Uint8Array => new Uint8Array(length).fill(draw);
  return streams2022(
    { psk },
    { clock, randomBytes, ...(filter && { replayFilter: filter }) },
  );
}

function header(body: Uint8Array, seconds = UNIX_SECONDS): Uint8Array {
  return encodeRequestHeader({ unixSeconds: seconds, length: body.length });
}

function start(psk: Psk, ...units: Uint8Array[]): Uint8Array {
  return new ChunkSealer(psk, systemRandomBytes).start(NOTHING, units);
}

function request(
  psk: Psk,
  { skew = 0, seconds = UNIX_SECONDS + skew, body }: {
    skew?: number;
    seconds?: number;
    body?: Uint8Array;
  } = {},
): Uint8Array {
  const said = body ?? encodeRequestBody(ADDRESS, 0, utf8("hello"));
  return start(psk, header(said, seconds), said);
}

function bytewise(bytes: Uint8Array): Uint8Array[] {
  return [...bytes].map((byte) => Uint8Array.of(byte));
}

/** Payload of a stream that comes in parts. */
function acceptAll(server: PlainServer, parts: Uint8Array[]): Uint8Array {
  let payload: Uint8Array | undefined;
  for (const part of parts) {
    payload = payload === undefined
      ? server.accept(part)?.payload
      : concat(payload, server.open(part));
  }
  return payload ?? NOTHING;
}

function expectCode(code: ErrorCode, act: () => unknown): void {
  assert.throws(
    act,
    (error) => error instanceof ProtocolError && error.code === code,
    code,
  );
}
