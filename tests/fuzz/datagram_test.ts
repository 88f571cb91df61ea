/**
 * The parsers that strangers' datagrams reach: a value or a
 * `ProtocolError`, whatever comes.
 *
 * @module
 */
import assert from "node:assert/strict";
import process from "node:process";
import { test } from "node:test";
import { openPacket, sealPacket } from "../../src/codec/packet.ts";
import {
  decodePacketBody,
  encodePacketBody,
} from "../../src/codec/packet_2022.ts";
import {
  decodeSocksDatagram,
  encodeSocksDatagram,
} from "../../src/codec/socks5_datagram.ts";
import { type AeadProvider, MasterKey } from "../../src/crypto/aead.ts";
import { findMethod } from "../../src/crypto/method.ts";
import { ProtocolError } from "../../src/errors.ts";
import {
  CipherPacketClient,
  CipherPacketServer,
} from "../../src/session/stream_cipher/packet.ts";
import {
  CipherClient,
  CipherServer,
} from "../../src/session/stream_cipher/stream.ts";
import { seededRandom, utf8 } from "../support/bytes.ts";
import { countingBytes } from "../support/keys.ts";
import { testMemory, testStreamKey } from "../support/stream_keys.ts";

/** Of each parser; by hand, with `FUZZ_COUNT=1000000`. */
const MUTATIONS = Number(process.env["FUZZ_COUNT"] ?? 100_000);

/** Milliseconds one parse may take; it takes microseconds. */
const LIMIT_MS = 1_000;

const SEEDS = ["192.0.2.1", "2001:db8::1", "example.com"].map((host) => ({
  address: { host, port: 53 },
  payload: utf8("payload"),
}));

/** Lets every tag verify, so that mutations get as far as the address. */
const trusting: AeadProvider = {
  name: "trusting",
  version: "0",
  supports: () => true,
  aead: () => ({
    seal: (_nonce, plaintext, out) => out.set(plaintext),
    open(_nonce, sealed, out): boolean {
      out.set(sealed.subarray(0, out.length));
      return true;
    },
    free: () => {},
  }),
};

test(`decodeSocksDatagram() survives ${MUTATIONS} mutations`, () => {
  const outcomes = fuzz(SEEDS.map(encodeSocksDatagram), decodeSocksDatagram);
  for (
    const code of ["value", "ERR_SOCKS_FRAGMENT", "ERR_SOCKS_ADDRESS_TYPE"]
      .concat("ERR_SOCKS_TRUNCATED", "ERR_SOCKS_MALFORMED")
  ) assert.ok(outcomes.get(code)! > 100, `${code}: ${outcomes.get(code)}`);
});

test(`openPacket() survives ${MUTATIONS} mutations of what verifies`, () => {
  const method = findMethod("aes-128-gcm");
  const key = new MasterKey(method, new Uint8Array(16), trusting);
  const seeds = SEEDS.map((packet) => sealPacket(key, countingBytes, packet));
  const outcomes = fuzz(seeds, (bytes) => openPacket(key, bytes));
  for (
    const code of ["value", "ERR_SS_TRUNCATED", "ERR_SS_ADDRESS_TYPE"]
      .concat("ERR_SS_ADDRESS_INVALID")
  ) assert.ok(outcomes.get(code)! > 100, `${code}: ${outcomes.get(code)}`);
});

const NOTHING = new Uint8Array(0);

// Without a cipher, mutations get as far as the address.
const unencrypted = testStreamKey("none");

test(`packets of stream ciphers survive ${MUTATIONS} mutations, at both ends`, () => {
  const client = new CipherPacketClient(unencrypted, countingBytes);
  const server = new CipherPacketServer(
    unencrypted,
    countingBytes,
    testMemory(),
  );
  const seeds = SEEDS.map((packet) => client.seal(packet));
  const from = { host: "192.0.2.9", port: 9 };
  for (
    const outcomes of [
      fuzz(seeds, (bytes) => server.open(bytes, from)),
      fuzz(seeds, (bytes) => client.open(bytes)),
    ]
  ) {
    for (
      const code of ["value", "ERR_SS_TRUNCATED", "ERR_SS_ADDRESS_TYPE"]
        .concat("ERR_SS_ADDRESS_INVALID", "ERR_SS_ONE_TIME_AUTH")
    ) assert.ok(outcomes.get(code)! > 100, `${code}: ${outcomes.get(code)}`);
  }
});

test(`requests of stream ciphers survive ${MUTATIONS} mutations, in two parts`, () => {
  const memory = testMemory();
  const seeds = SEEDS.map(({ address, payload }) =>
    new CipherClient(unencrypted, countingBytes).request(address, payload)
  );
  const outcomes = fuzz(seeds, (bytes) => {
    const server = new CipherServer(unencrypted, countingBytes, memory);
    const half = bytes.length >> 1;
    const { request } = server.accept(bytes.subarray(0, half));
    if (request !== undefined) return server.open(bytes.subarray(half));
    return {
      payload: server.accept(bytes.subarray(half)).request?.payload ?? NOTHING,
    };
  });
  for (
    const code of ["value", "ERR_SS_ADDRESS_TYPE"]
      .concat("ERR_SS_ADDRESS_INVALID", "ERR_SS_ONE_TIME_AUTH")
  ) assert.ok(outcomes.get(code)! > 100, `${code}: ${outcomes.get(code)}`);
});

test(`decodePacketBody() survives ${MUTATIONS} mutations of what verifies`, () => {
  const unixSeconds = 1_700_000_000;
  const seeds = SEEDS.map((packet, i) =>
    encodePacketBody({ unixSeconds, ...packet }, 4 * i)
  );
  const outcomes = fuzz(seeds, (bytes) => decodePacketBody(bytes, "request"));
  for (
    const code of ["value", "ERR_SS_TRUNCATED", "ERR_SS_ADDRESS_TYPE"]
      .concat("ERR_SS_ADDRESS_INVALID", "ERR_SS_HEADER_TYPE", "ERR_SS_PADDING")
  ) assert.ok(outcomes.get(code)! > 100, `${code}: ${outcomes.get(code)}`);
});

/** Counts what becomes of mutated inputs; any other error ends it. */
function fuzz(
  seeds: readonly Uint8Array[],
  parse: (bytes: Uint8Array) => { payload: Uint8Array },
): Map<string, number> {
  const next = seededRandom(1_928);
  const outcomes = new Map<string, number>();
  const count = (what: string): void =>
    void outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
  for (let i = 0; i < MUTATIONS; i++) {
    const input = mutate(seeds[i % seeds.length]!, next);
    const { outcome, tookMs } = attempt(parse, input);
    count(outcome);
    // Of a machine that stalls, the second time is as good.
    const leastMs = tookMs < LIMIT_MS ? tookMs : attempt(parse, input).tookMs;
    assert.ok(leastMs < LIMIT_MS, input.toHex());
  }
  return outcomes;
}

/** What becomes of an input, and how long that takes. */
function attempt(
  parse: (bytes: Uint8Array) => { payload: Uint8Array },
  input: Uint8Array,
): { readonly outcome: string; readonly tookMs: number } {
  const startMs = performance.now();
  let outcome = "value";
  try {
    assert.ok(parse(input).payload.length <= input.length);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    outcome = error.code;
  }
  return { outcome, tookMs: performance.now() - startMs };
}

/** One to four changes: a byte, a cut, a byte more, a copy of a part. */
function mutate(seed: Uint8Array, next: () => number): Uint8Array {
  let bytes = seed.slice();
  for (let changes = 1 + next() % 4; changes > 0; changes--) {
    const at = bytes.length === 0 ? 0 : next() % bytes.length;
    switch (next() % 4) {
      case 0:
        bytes[at] = next() & 0xff;
        break;
      case 1:
        bytes = bytes.slice(0, at);
        break;
      case 2:
        bytes = Uint8Array.of(
          ...bytes.subarray(0, at),
          next() & 0xff,
          ...bytes.subarray(at),
        );
        break;
      case 3:
        bytes.copyWithin(at, 0, next() % 8);
        break;
    }
  }
  return bytes;
}
