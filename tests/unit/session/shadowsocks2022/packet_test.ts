import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  encodePacketBody,
  type PacketBody,
  sealLongNoncePacket,
  sealPacket,
} from "../../../../src/codec/packet_2022.ts";
import { findMethod } from "../../../../src/crypto/method.ts";
import { nobleProvider } from "../../../../src/crypto/noble.ts";
import { Psk } from "../../../../src/crypto/psk.ts";
import { type ErrorCode, UmbraError } from "../../../../src/errors.ts";
import {
  MAX_DATAGRAM_LENGTH,
  MAX_PACKET_SESSIONS,
  PACKET_SESSION_SHARE,
  PACKET_WINDOW,
  SALT_POOL_MS,
} from "../../../../src/limits.ts";
import { systemRandomBytes } from "../../../../src/random.ts";
import { Users2022 } from "../../../../src/session/shadowsocks2022/users.ts";
import type {
  PacketClient,
  PacketServer,
} from "../../../../src/session/packet_protocol.ts";
import { flipBit, hex, seededBytes, utf8 } from "../../../support/bytes.ts";
import { FakeClock } from "../../../support/fake_clock.ts";
import { testPsk } from "../../../support/keys.ts";
import vectors from "../../../vectors/shadowsocks.json" with { type: "json" };
import {
  type Packets,
  packets2022,
  type World2022,
} from "../../../support/sessions.ts";
import type { RandomBytes } from "../../../../src/random.ts";
import { MutantSource } from "../../../support/mutant_source.ts";

const TARGET = { host: "example.com", port: 53 };
const FROM = { host: "192.0.2.1", port: 4_000 };
const ELSEWHERE = { host: "198.51.100.7", port: 9 };
const PACKET = { address: TARGET, payload: utf8("question") };

const METHODS = [
  "2022-blake3-aes-128-gcm",
  "2022-blake3-aes-256-gcm",
  "2022-blake3-chacha20-poly1305",
] as const;

for (const name of METHODS) {
  const vector = vectors.aead2022[name];
  const key = new Psk(findMethod(name), hex(vector.psk_hex), nobleProvider);

  describe(`packets of ${name}`, () => {
    test("are the vectors', as sealed and as opened", () => {
      const world = worldOf({ randomBytes: drawing(vector.udp_c) });
      const protocol = packets2022({ psk: key }, world);
      const client = protocol.client();
      const hello = {
        address: { host: "example.com", port: 80 },
        payload: utf8("hello"),
      };
      assert.equal(client.seal(hello).toHex(), vector.udp_c.packet);
      const { association: _, ...opened } = protocol.server().open(
        hex(vector.udp_c.packet),
        FROM,
      );
      assert.deepEqual(opened, hello);
      assert.deepEqual(
        client.open(hex(vector.udp_s.packet)).payload,
        utf8("world"),
      );
      refuses("ERR_SS_REPLAY", () => client.open(hex(vector.udp_s.packet)));
    });

    test("carry a question and its answer, of every size", () => {
      const { client, server } = pair(packets2022({ psk: key }, worldOf()));
      for (const size of [0, 1, 1_200, MAX_DATAGRAM_LENGTH - 200]) {
        const question = { address: TARGET, payload: seededBytes(size) };
        const { association, ...opened } = server.open(
          client.seal(question),
          FROM,
        );
        assert.deepEqual(opened, question);
        const source = { host: "198.51.100.1", port: 53 };
        const answer = { address: source, payload: seededBytes(size, 2) };
        assert.deepEqual(client.open(server.seal(association, answer)), answer);
      }
    });

    test("are refused with any bit flipped, and cut at any byte, both ways", () => {
      const { client, server } = pair(packets2022({ psk: key }, worldOf()));
      const question = client.seal(PACKET);
      const { association } = server.open(client.seal(PACKET), FROM);
      const answer = server.seal(association, PACKET);
      const isAes = name.includes("aes");
      for (
        const [wire, open] of [
          [question, (bytes: Uint8Array) => server.open(bytes, FROM)],
          [answer, (bytes: Uint8Array) => client.open(bytes)],
        ] as const
      ) {
        for (let bit = 0; bit < wire.length * 8; bit++) {
          refuses("ERR_SS_AUTHENTICATION", () => open(flipBit(wire, bit)));
        }
        const head = isAes ? 16 + 16 : 24 + 16;
        for (let cut = 0; cut < wire.length; cut++) {
          refuses(
            cut < head ? "ERR_SS_TRUNCATED" : "ERR_SS_AUTHENTICATION",
            () => open(wire.subarray(0, cut)),
          );
        }
        // Nothing of that counts as seen.
        open(wire);
      }
    });

    test("are not taken by the end that sealed them", () => {
      const { client, server } = pair(packets2022({ psk: key }, worldOf()));
      const question = client.seal(PACKET);
      refuses("ERR_SS_HEADER_TYPE", () => client.open(question));
      const { association } = server.open(question, FROM);
      const answer = server.seal(association, PACKET);
      refuses("ERR_SS_HEADER_TYPE", () => server.open(answer, FROM));
    });

    test("are of one association, wherever they come from", () => {
      const protocol = packets2022({ psk: key }, worldOf());
      const { client, server } = pair(protocol);
      const name = (one: PacketClient, from = FROM): string =>
        server.open(one.seal(PACKET), from).association;
      const other = protocol.client();
      assert.equal(name(client), name(client, ELSEWHERE));
      assert.notEqual(name(client), name(other));
      // Each gets its own answers only.
      const answer = server.seal(name(other), PACKET);
      refuses("ERR_SS_SESSION_MISMATCH", () => client.open(answer));
      other.open(answer);
      assert.throws(() => server.seal("nobody", PACKET), TypeError);
    });

    test("are served once, for as long as their time stamp is of now", async () => {
      for (const endAfterMs of [undefined, 0, 500]) {
        const clock = new FakeClock();
        const { client, server } = pair(
          packets2022({ psk: key }, worldOf({ clock })),
        );
        const recorded = client.seal(PACKET);
        const { association } = server.open(recorded, FROM);
        if (endAfterMs !== undefined) {
          await clock.advance(endAfterMs);
          server.end(association);
        }
        let atMs = endAfterMs ?? 0;
        for (
          const [afterMs, code] of [
            [500, "ERR_SS_REPLAY"],
            [1_000, "ERR_SS_REPLAY"],
            [29_000, "ERR_SS_REPLAY"],
            [31_000, "ERR_SS_TIMESTAMP"],
            [61_000, "ERR_SS_TIMESTAMP"],
            [400_000, "ERR_SS_TIMESTAMP"],
          ] as const
        ) {
          await clock.advance(afterMs - atMs);
          atMs = afterMs;
          refuses(code, () => server.open(recorded, ELSEWHERE));
        }
        // The session goes on, under its name.
        const next = server.open(client.seal(PACKET), FROM);
        assert.equal(next.association, association);
      }
    });

    test("of one client network leave sessions for others, and none is served twice", async () => {
      const clock = new FakeClock();
      const protocol = packets2022({ psk: key }, worldOf({ clock }));
      const server = protocol.server();
      const most = MAX_PACKET_SESSIONS * PACKET_SESSION_SHARE;
      const seal = () => {
        const client = protocol.client();
        const packet = client.seal(PACKET);
        client.free();
        return packet;
      };
      const served: Uint8Array[] = [];
      while (served.length < most) {
        const packet = seal();
        served.push(packet);
        server.end(server.open(packet, FROM).association);
      }
      const refused = seal();
      refuses("ERR_POLICY_LIMIT", () => server.open(refused, FROM));
      server.open(seal(), ELSEWHERE);
      for (const packet of [served[0]!, served.at(-1)!]) {
        refuses("ERR_SS_REPLAY", () => server.open(packet, FROM));
        refuses("ERR_SS_REPLAY", () => server.open(packet, ELSEWHERE));
      }
      await clock.advance(SALT_POOL_MS + 1);
      server.open(seal(), FROM);
      for (const packet of [served[0]!, served.at(-1)!]) {
        refuses("ERR_SS_TIMESTAMP", () => server.open(packet, FROM));
      }
      // Not even with a clock that is set to when they were new.
      clock.setForward(-SALT_POOL_MS);
      for (const packet of [served[0]!, served.at(-1)!]) {
        refuses("ERR_SS_REPLAY", () => server.open(packet, FROM));
      }
    });

    test("of a clock that is ahead are not served twice either", async () => {
      const ahead = new FakeClock();
      await ahead.advance(30_000);
      const clock = new FakeClock();
      const client = packets2022({ psk: key }, worldOf({ clock: ahead }))
        .client();
      const protocol = packets2022({ psk: key }, worldOf({ clock }));
      const server = protocol.server();
      const recorded = client.seal(PACKET);
      server.end(server.open(recorded, FROM).association);
      for (const waitMs of [1, 30_000, 30_998]) {
        await clock.advance(waitMs);
        // Sessions that come and go have others forgotten.
        const { association } = server.open(
          protocol.client().seal(PACKET),
          FROM,
        );
        server.end(association);
        refuses("ERR_SS_REPLAY", () => server.open(recorded, FROM));
      }
      await clock.advance(1);
      refuses("ERR_SS_TIMESTAMP", () => server.open(recorded, FROM));
    });

    test("are taken with clocks 30 s apart, and no more, both ways", async () => {
      for (const [skewMs, fine] of [[30_000, true], [31_000, false]] as const) {
        for (const clientIsAhead of [true, false]) {
          const clocks = [new FakeClock(), new FakeClock()] as const;
          const [one, two] = clocks.map((clock) =>
            packets2022({ psk: key }, worldOf({ clock }))
          );
          const { client, server } = {
            client: one!.client(),
            server: two!.server(),
          };
          const { association } = server.open(client.seal(PACKET), FROM);
          const ahead = clocks[clientIsAhead ? 0 : 1];
          await ahead.advance(skewMs);
          const answer = server.seal(association, PACKET);
          if (fine) client.open(answer);
          else refuses("ERR_SS_TIMESTAMP", () => client.open(answer));
          const question = client.seal(PACKET);
          if (fine) server.open(question, FROM);
          else refuses("ERR_SS_TIMESTAMP", () => server.open(question, FROM));
        }
      }
    });

    test("from before the server's start are refused", async () => {
      const clock = new FakeClock();
      const protocol = packets2022({ psk: key }, worldOf({ clock }));
      const client = protocol.client();
      const recorded = client.seal(PACKET);
      protocol.server().open(recorded, FROM);
      await clock.advance(1_000);
      const restarted = protocol.server();
      refuses("ERR_SS_TIMESTAMP", () => restarted.open(recorded, FROM));
      restarted.open(client.seal(PACKET), FROM);
    });

    test("are served when the server's clock was set, and no replay is", async () => {
      for (const stepMs of [8 * 3_600_000, 25_000, -25_000, -3_600_000]) {
        // As long before the step as the clock is set back, at least.
        for (const beforeMs of [1_000, 62_000, 3_600_000]) {
          const clock = new FakeClock();
          const protocol = packets2022({ psk: key }, worldOf({ clock }));
          const server = protocol.server();
          const [client, quiet] = [protocol.client(), protocol.client()];
          const recorded = [client.seal(PACKET), quiet.seal(PACKET)];
          for (const packet of recorded) {
            server.end(server.open(packet, FROM).association);
          }
          await clock.advance(beforeMs);
          // Has the sessions forgotten that are over for long enough.
          server.open(protocol.client().seal(PACKET), FROM);
          clock.setForward(stepMs);
          server.open(protocol.client().seal(PACKET), FROM);
          server.open(client.seal(PACKET), FROM);
          for (const packet of recorded) {
            assert.throws(
              () => server.open(packet, FROM),
              UmbraError,
              `${stepMs} after ${beforeMs}`,
            );
          }
        }
      }
    });

    test("may come late within the window, and no later", () => {
      const { client, server } = pair(packets2022({ psk: key }, worldOf()));
      const old = Array.from({ length: 3 }, () => client.seal(PACKET));
      const { association } = server.open(old[0]!, FROM);
      // Ids 3 to PACKET_WINDOW + 1: the last one leaves id 1 at the edge.
      let newest = old[0]!;
      const answers = [server.seal(association, PACKET)];
      for (let id = 3; id <= PACKET_WINDOW + 1; id++) {
        newest = client.seal(PACKET);
        answers.push(server.seal(association, PACKET));
      }
      server.open(newest, FROM);
      refuses("ERR_SS_REPLAY", () => server.open(old[0]!, FROM));
      server.open(old[1]!, FROM);
      refuses("ERR_SS_REPLAY", () => server.open(old[1]!, FROM));
      server.open(old[2]!, FROM);
      server.open(client.seal(PACKET), FROM);
      const last = server.seal(association, PACKET);
      client.open(last);
      client.open(answers[1]!);
      refuses("ERR_SS_REPLAY", () => client.open(last));
    });

    test("of port 0, of the wrong type, or cut inside are refused though authentic", () => {
      const { server } = pair(packets2022({ psk: key }, worldOf()));
      const body: PacketBody = { unixSeconds: 1_700_000_000, ...PACKET };
      const cases: [ErrorCode, Uint8Array][] = [
        [
          "ERR_SS_ADDRESS_INVALID",
          encodePacketBody({ ...body, address: { ...TARGET, port: 0 } }),
        ],
        [
          "ERR_SS_HEADER_TYPE",
          encodePacketBody({ ...body, clientSessionId: new Uint8Array(8) }),
        ],
        ["ERR_SS_PADDING", encodePacketBody(body, 900).subarray(0, 500)],
        ["ERR_SS_TRUNCATED", encodePacketBody(body).subarray(0, 12)],
      ];
      for (const [code, bytes] of cases) {
        refuses(code, () => server.open(sealBody(key, bytes), FROM));
      }
      // Padding, of others: we add none.
      const padded = server.open(
        sealBody(key, encodePacketBody(body, 900)),
        FROM,
      );
      assert.deepEqual(padded.payload, PACKET.payload);
    });

    test("of a server that was restarted are taken; of a third session, in time", async () => {
      const clock = new FakeClock();
      const protocol = packets2022({ psk: key }, worldOf({ clock }));
      const client = protocol.client();
      const servers = [1, 2, 3].map(() => protocol.server());
      const answer = (server: PacketServer): Uint8Array => {
        const { association } = server.open(client.seal(PACKET), FROM);
        return server.seal(association, PACKET);
      };
      const first = answer(servers[0]!);
      client.open(first);
      client.open(answer(servers[1]!));
      refuses("ERR_SS_REPLAY", () => client.open(first));
      client.open(answer(servers[0]!));
      for (const [waitMs, taken] of [[61_000, false], [1, true]] as const) {
        await clock.advance(waitMs);
        const third = answer(servers[2]!);
        if (taken) client.open(third);
        else refuses("ERR_SS_SESSION_MISMATCH", () => client.open(third));
      }
      client.free();
      client.free();
    });

    test("without a window are served again, so the tests above can fail", async () => {
      using source = new MutantSource(
        "session/shadowsocks2022/packet_server.ts",
        "if (!session.window.add(packetId)) throw replayedPacket();",
        "session.window.add(packetId);",
      );
      const { PacketServer2022: Mutant } = await import(
        source.urlOf("session/shadowsocks2022/packet_server.ts")
      );
      const { client } = pair(packets2022({ psk: key }, worldOf()));
      const server = new Mutant(key, new Users2022([]), worldOf());
      const recorded = client.seal(PACKET);
      server.open(recorded, FROM);
      server.open(recorded, FROM);
    });
  });
}

describe("packets with identity headers", () => {
  const name = "2022-blake3-aes-256-gcm";
  const [identity, relay, alice, bob, mallory] = [1, 2, 3, 4, 5]
    .map((seed) => testPsk(name, seed)) as [Psk, Psk, Psk, Psk, Psk];
  const table = (): Users2022 =>
    new Users2022([{ name: "alice", psk: alice }, { name: "bob", psk: bob }]);
  const clientOf = (psk: Psk, ...identityKeys: Psk[]): PacketClient =>
    packets2022({ psk, identityKeys }, worldOf()).client();

  test("name their user, who is answered with the user's own key", () => {
    const server = packets2022({ psk: identity, users: table() }, worldOf())
      .server();
    const clients = {
      alice: clientOf(alice, identity),
      bob: clientOf(bob, identity),
    };
    for (const [name, client] of Object.entries(clients)) {
      const { user, association } = server.open(client.seal(PACKET), FROM);
      assert.equal(user, name);
      const answer = server.seal(association, PACKET);
      assert.deepEqual(client.open(answer), PACKET);
      // The users know each other's identity key, and no more.
      refuses("ERR_SS_AUTHENTICATION", () => clientOf(identity).open(answer));
    }
  });

  test("are refused from who is no user", () => {
    const server = packets2022({ psk: identity, users: table() }, worldOf())
      .server();
    for (
      const [code, client] of [
        ["ERR_SS_USER_UNKNOWN", clientOf(mallory, identity)],
        ["ERR_SS_USER_UNKNOWN", clientOf(identity)],
        ["ERR_SS_USER_UNKNOWN", clientOf(alice, mallory)],
        ["ERR_SS_USER_UNKNOWN", clientOf(alice)],
      ] as const
    ) refuses(code, () => server.open(client.seal(PACKET), FROM));
  });

  test("of two users with one session id are two associations", () => {
    const randomBytes = (length: number): Uint8Array => new Uint8Array(length);
    const world = worldOf({ randomBytes });
    const server = packets2022({ psk: identity, users: table() }, worldOf())
      .server();
    const [one, two] = [alice, bob].map((psk) =>
      server.open(
        packets2022({ psk, identityKeys: [identity] }, world).client()
          .seal(PACKET),
        FROM,
      )
    );
    assert.notEqual(one!.association, two!.association);
  });

  test("of a chain lead through every server of it", () => {
    const client = clientOf(alice, relay, identity);
    const wire = client.seal(PACKET);
    // A relay removes its own header and encrypts the first one again.
    const plain = relay.headerCipher().decrypt(wire.subarray(0, 16));
    const next = relay.headerCipher().decrypt(wire.subarray(16, 32))
      .map((byte, i) => byte ^ plain[i]!);
    assert.deepEqual(next, identity.identityHash);
    const passedOn = new Uint8Array([
      ...identity.headerCipher().encrypt(plain),
      ...wire.subarray(32),
    ]);
    const server = packets2022({ psk: identity, users: table() }, worldOf())
      .server();
    const { user, association } = server.open(passedOn, FROM);
    assert.equal(user, "alice");
    // Answers pass the relay as they are.
    assert.deepEqual(client.open(server.seal(association, PACKET)), PACKET);
  });
});

/** A world of its own, and what a test says of it. */
function worldOf(parts: Partial<World2022> = {}): World2022 {
  return {
    clock: new FakeClock(),
    randomBytes: systemRandomBytes,
    ...parts,
  };
}

function pair(
  protocol: Packets,
): { client: PacketClient; server: PacketServer } {
  return { client: protocol.client(), server: protocol.server() };
}

/** Draws what the vector drew: its session id, and its nonce if it has one. */
function drawing(vector: object): RandomBytes {
  return (length) =>
    length === 8
      ? hex("0102030405060708")
      : hex((vector as { nonce: string }).nonce);
}

/** Seals a body by hand, as the first packet of a session. */
function sealBody(key: Psk, body: Uint8Array): Uint8Array {
  const head = { sessionId: systemRandomBytes(8), packetId: 0n };
  return key.hasIdentity
    ? sealPacket([key], key.sessionAead(head.sessionId), head, body)
    : sealLongNoncePacket(key.packetAead(), head, body, systemRandomBytes);
}

function refuses(code: ErrorCode, act: () => unknown): void {
  assert.throws(
    act,
    (error) => error instanceof UmbraError && error.code === code,
    code,
  );
}
