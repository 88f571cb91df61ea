/**
 * Addresses in DNS messages, and answers of our own.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readDnsAnswer, readDnsQuery } from "../../../src/codec/dns_message.ts";
import {
  addressesIn,
  addressQuery,
  DNS_CODE,
  DNS_TYPE,
  ownAnswer,
  readQuestion,
} from "../../../src/codec/dns_records.ts";
import { formatIp, parseIp } from "../../../src/codec/ip_address.ts";
import { MAX_ANSWER_ADDRESSES } from "../../../src/limits.ts";
import { flipBit, hex, unaligned, utf8 } from "../../support/bytes.ts";

/** `known.test`, A, IN. */
const QUESTION = "056b6e6f776e0474657374000001" + "0001";

/** Its address, for 60 seconds; an alias in front of it. */
const ALIAS = "c00c000500010000012c0002c012";
const ADDRESS = "c00c000100010000003c0004c000024d";
const ADDRESS_6 = "c00c001c00010000001e0010" +
  "20010db8000000000000000000000001";

function answer(...records: string[]): Uint8Array {
  const count = records.length.toString(16).padStart(4, "0");
  return hex(`123481800001${count}00000000${QUESTION}${records.join("")}`);
}

function found(message: Uint8Array): string[] {
  const { addresses, ttlSeconds } = addressesIn(message, hex(QUESTION));
  return [...addresses.map(formatIp), `${ttlSeconds} s`];
}

test("readQuestion() names a host in lower case, and the type", () => {
  assert.deepEqual(readQuestion(hex(QUESTION)), {
    name: "known.test",
    type: DNS_TYPE.a,
  });
  const mixed = "054b4e6f776e045f65732d000041" + "0001";
  assert.deepEqual(readQuestion(unaligned(hex(mixed))), {
    name: "known._es-",
    type: DNS_TYPE.https,
  });
});

test("readQuestion() names nothing that is no host", () => {
  for (
    const question of [
      "0000010001", // the root
      "03612e62000001" + "0001", // a dot inside a label
      "0461c3a962000001" + "0001", // other bytes
      "0161000001" + "0003", // another class
    ]
  ) assert.equal(readQuestion(hex(question)).name, undefined, question);
});

test("addressesIn() finds the addresses behind aliases, and the least TTL", () => {
  assert.deepEqual(found(answer(ALIAS, ADDRESS, ADDRESS_6)), [
    "192.0.2.77",
    "2001:db8::1",
    "30 s",
  ]);
  assert.deepEqual(found(unaligned(answer(ADDRESS))), ["192.0.2.77", "60 s"]);
  assert.deepEqual(found(answer()), ["0 s"]);
  assert.deepEqual(found(answer(ALIAS)), ["0 s"]);
});

test("addressesIn() takes nothing of other sections, classes and lengths", () => {
  const authority = hex(`123481800001000000010000${QUESTION}${ADDRESS}`);
  assert.deepEqual(found(authority), ["0 s"]);
  for (
    const record of [
      ADDRESS.replace("00010001", "00010003"),
      ADDRESS.replace("0004c000024d", "0003c00002"),
      ADDRESS.replace("00010001", "001c0001"),
    ]
  ) assert.deepEqual(found(answer(record)), ["0 s"], record);
});

test("addressesIn() finds nothing in an answer that is cut anywhere", () => {
  const whole = answer(ALIAS, ADDRESS);
  for (let end = 12 + 16; end < whole.length; end++) {
    assert.deepEqual(found(whole.subarray(0, end)), ["0 s"], `${end}`);
  }
});

test("addressesIn() survives every flipped bit", () => {
  const whole = answer(ALIAS, ADDRESS, ADDRESS_6);
  for (let bit = 12 * 8; bit < whole.length * 8; bit++) {
    const { addresses } = addressesIn(flipBit(whole, bit), hex(QUESTION));
    assert.ok(addresses.length <= 2);
  }
});

test("addressesIn() reads so many addresses and no more", () => {
  const many = Array.from({ length: MAX_ANSWER_ADDRESSES + 1 }, () => ADDRESS);
  assert.equal(found(answer(...many)).length - 1, MAX_ANSWER_ADDRESSES);
});

test("addressQuery() and ownAnswer() are what is read back", () => {
  for (const [type, ip] of [["a", "192.0.2.1"], ["aaaa", "fd00::7"]] as const) {
    const message = addressQuery(0x1234, "known.test", DNS_TYPE[type])!;
    const query = readDnsQuery(message)!;
    assert.equal(query.id, 0x1234);
    assert.deepEqual(readQuestion(query.question), {
      name: "known.test",
      type: DNS_TYPE[type],
    });
    const addresses = [parseIp(ip)!];
    const bytes = ownAnswer(message, query, { addresses, ttlSeconds: 7 });
    const read = readDnsAnswer(bytes)!;
    assert.deepEqual([read.id, read.ttlSeconds], [0x1234, 7]);
    const back = addressesIn(bytes, read.question);
    assert.deepEqual(back.addresses.map(formatIp), [ip]);
  }
});

test("addressQuery() is byte for byte what RFC 1035 has", () => {
  assert.equal(
    addressQuery(1, "known.test", DNS_TYPE.a)!.toHex(),
    `000101000001000000000000${QUESTION}`,
  );
});

test("addressQuery() refuses what is no name", () => {
  const label = "a".repeat(63);
  for (
    const name of [
      ...["", ".", "a..b", "a.", "a b", "é", "a".repeat(64)],
      [label, label, label, "b".repeat(62)].join("."),
    ]
  ) assert.equal(addressQuery(1, name, 1), undefined, name);
  const longest = [label, label, label, "b".repeat(61)].join(".");
  const message = addressQuery(1, longest, 1)!;
  assert.equal(readQuestion(readDnsQuery(message)!.question).name, longest);
});

test("ownAnswer() says no, repeats the question, and has OPT where it came", () => {
  const plain = hex(`000101000001000000000000${QUESTION}`);
  assert.equal(
    ownAnswer(plain, readDnsQuery(plain)!, { code: DNS_CODE.noName }).toHex(),
    `000181830001000000000000${QUESTION}`,
  );
  const edns = hex(
    `000200000001000000000001${QUESTION}` + "0000291000000080000000",
  );
  assert.equal(
    ownAnswer(edns, readDnsQuery(edns)!, {}).toHex(),
    `000280800001000000000001${QUESTION}` + "0000291000000080000000",
  );
});

test("ownAnswer() keeps the case of the question", () => {
  const mixed = QUESTION.replace("6b6e6f", "4b6e4f");
  const message = hex(`000101000001000000000000${mixed}`);
  const bytes = ownAnswer(message, readDnsQuery(message)!, {
    addresses: [utf8("abcd")],
  });
  assert.ok(bytes.toHex().includes(mixed));
});
