import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Authenticate,
  Socks5ServerSession,
  type Socks5Step,
} from "../../../../src/session/socks5/server_session.ts";
import { hex, randomSplit, utf8 } from "../../../support/bytes.ts";

const CONNECT = "05010003016100500a0b";
const WANTED = {
  command: 1,
  address: { host: "a", port: 80 },
};
const knowsUser: Authenticate = ({ username, password }) =>
  username.toHex() === "75" && password.toHex() === "70" ? "u" : undefined;

test("a client that sends everything at once gets every answer in turn", () => {
  const session = new Socks5ServerSession();
  session.push(hex("050100" + CONNECT));
  assert.deepEqual(steps(session), [
    { kind: "send", bytes: hex("0500") },
    { kind: "request", request: WANTED, rest: hex("0a0b") },
  ]);
});

test("the handshake comes out the same however its bytes are split", () => {
  const wire = hex("050102" + "0101750170" + CONNECT);
  for (let seed = 0; seed < 100; seed++) {
    const session = new Socks5ServerSession(knowsUser);
    const all: Socks5Step[] = [];
    const parts = seed === 0
      ? [...wire].map((byte) => Uint8Array.of(byte))
      : randomSplit(wire, seed);
    const rest: number[] = [];
    for (const part of parts) {
      if (all.at(-1)?.kind === "request") {
        rest.push(...part);
        continue;
      }
      session.push(part);
      all.push(...steps(session));
    }
    const last = all.at(-1);
    assert.ok(last?.kind === "request");
    assert.deepEqual([...last.rest, ...rest], [0x0a, 0x0b]);
    assert.deepEqual(last.request, WANTED);
    assert.deepEqual(all.slice(0, -1), [
      { kind: "send", bytes: hex("0502") },
      { kind: "send", bytes: hex("0100") },
    ]);
  }
});

test("with users, password authentication is chosen even if offered last", () => {
  const session = new Socks5ServerSession(knowsUser);
  session.push(hex("0503000102"));
  assert.deepEqual(session.next(), { kind: "send", bytes: hex("0502") });
});

test("without users, anonymous use is chosen even if offered last", () => {
  const session = new Socks5ServerSession();
  session.push(hex("05020200"));
  assert.deepEqual(session.next(), { kind: "send", bytes: hex("0500") });
});

test("refusals send the bytes RFC 1928 and 1929 want, and say why", () => {
  const cases: [Authenticate | undefined, string, string, string][] = [
    [undefined, "050101", "05ff", "ERR_SOCKS_NO_METHOD"],
    [undefined, "0500", "05ff", "ERR_SOCKS_NO_METHOD"],
    [undefined, "04", "", "ERR_SOCKS_VERSION"],
    [undefined, "474554", "", "ERR_SOCKS_VERSION"],
    [knowsUser, "050100", "05ff", "ERR_SOCKS_NO_METHOD"],
    [knowsUser, "0501020101750171", "0101", "ERR_SOCKS_AUTHENTICATION"],
    [knowsUser, "0501020101760170", "0101", "ERR_SOCKS_AUTHENTICATION"],
    [knowsUser, "05010205", "", "ERR_SOCKS_VERSION"],
    [
      undefined,
      "05010005010002aabb",
      "05080001000000000000",
      "ERR_SOCKS_ADDRESS_TYPE",
    ],
    [
      undefined,
      "0501000501000300aabb",
      "05010001000000000000",
      "ERR_SOCKS_MALFORMED",
    ],
    [undefined, "05010001", "", "ERR_SOCKS_VERSION"],
  ];
  for (const [authenticate, wire, reply, code] of cases) {
    const session = new Socks5ServerSession(authenticate);
    session.push(hex(wire));
    const last = steps(session).at(-1);
    assert.ok(last?.kind === "refuse", wire);
    assert.equal(last.bytes.toHex(), reply, wire);
    assert.equal(last.error.code, code, wire);
    assert.throws(() => session.next(), TypeError);
  }
});

test("betweenMessages tells a client that left from one that broke off", () => {
  const session = new Socks5ServerSession();
  assert.ok(session.betweenMessages);
  session.push(utf8("\x05"));
  assert.equal(session.next(), undefined);
  assert.ok(!session.betweenMessages);
  session.push(hex("0100"));
  session.next();
  assert.ok(session.betweenMessages);
});

/** Every step that is possible now. */
function steps(session: Socks5ServerSession): Socks5Step[] {
  const all: Socks5Step[] = [];
  for (;;) {
    const step = session.next();
    if (step === undefined) return all;
    all.push(step);
    if (step.kind !== "send") return all;
  }
}
