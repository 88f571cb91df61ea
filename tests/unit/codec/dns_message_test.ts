import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  agedAnswer,
  type DnsQuery,
  readDnsAnswer,
  readDnsQuery,
  sameQuestion,
  truncatedAnswer,
} from "../../../src/codec/dns_message.ts";
import { flipBit, hex, unaligned } from "../../support/bytes.ts";

/** `known.test`, A, IN. */
const QUESTION = "056b6e6f776e0474657374000001" + "0001";

/** Asked with id 0x1234, recursion desired, without EDNS. */
const QUERY = "123401000001000000000000" + QUESTION;

/** The same in mixed case with an OPT record: 1,232 bytes, DNSSEC wanted. */
const EDNS_QUERY = "123401000001000000000001" +
  "054b6e6f776e0454655354000001" + "0001" + opt("04d0", "00008000");

/** Its answer: 192.0.2.77 for 60 seconds. */
const ANSWER = "123481800001000100000000" + QUESTION +
  "c00c" + "0001" + "0001" + "0000003c" + "0004" + "c000024d";

function opt(size: string, ttl: string, options = ""): string {
  const length = (options.length / 2).toString(16).padStart(4, "0");
  return `000029${size}${ttl}${length}${options}`;
}

function query(wire = QUERY): DnsQuery {
  const read = readDnsQuery(hex(wire));
  assert.ok(read);
  return read;
}

/** An answer to {@link QUERY} with these records. */
function answer(
  counts: string,
  records: string,
  { flags = "8180" } = {},
): Uint8Array {
  return hex(`1234${flags}0001${counts}${QUESTION}${records}`);
}

describe("readDnsQuery()", () => {
  test("tells id, question and what the client takes", () => {
    const plain = query();
    assert.equal(plain.id, 0x1234);
    assert.deepEqual(plain.question, hex(QUESTION));
    assert.equal(plain.maxBytes, 512);
    assert.equal(plain.ednsFlags, undefined);
    const edns = query(EDNS_QUERY);
    assert.equal(edns.maxBytes, 1_232);
    assert.equal(edns.ednsFlags, 0x8000);
    // As it was sent.
    assert.equal(edns.question.toHex().slice(2, 12), "4b6e6f776e");
  });

  test("takes no less than 512 bytes, and no more than fit into a datagram", () => {
    for (const [size, want] of [["0000", 512], ["0201", 513]] as const) {
      const wire = EDNS_QUERY.replace("04d0", size);
      assert.equal(query(wire).maxBytes, want);
    }
    assert.equal(query(EDNS_QUERY.replace("04d0", "ffff")).maxBytes, 65_507);
  });

  test("has one key for what differs in id, case and cookie alone", () => {
    const { key } = query();
    assert.equal(query(QUERY.replace("1234", "4321")).key, key);
    assert.equal(query(QUERY.replace("6b6e6f", "4b4e4f")).key, key);
    const cookie = (data: string, more = ""): string =>
      query(
        "123401000001000000000001" + QUESTION +
          opt("04d0", "00000000", `000a0008${data}${more}`),
      ).key;
    assert.equal(cookie("0011223344556677"), cookie("8899aabbccddeeff"));
    // Another client subnet.
    assert.notEqual(
      cookie("0011223344556677", "0008000400010a00"),
      cookie("0011223344556677", "0008000400010b00"),
    );
    // What was a cookie's data is none behind the record.
    const behind = query(
      "123401000001000000000001" + QUESTION +
        opt("04d0", "00000000", "000a0000") + "0011223344556677",
    ).key;
    assert.notEqual(behind, cookie("0011223344556677"));
  });

  test("has other keys for other types, classes and flags", () => {
    const others = [
      QUERY,
      // HTTPS and type 97 differ as letters do in case.
      QUERY.replace("00010001", "00410001"),
      QUERY.replace("00010001", "00610001"),
      QUERY.replace("00010001", "00010003"),
      QUERY.replace("12340100", "12340110"),
      QUERY.replace("12340100", "12340000"),
      EDNS_QUERY,
      EDNS_QUERY.replace("00008000", "00000000"),
      QUERY.replace("056b6e6f776e", "056b6e6f772e"),
      // Letters of other alphabets have no case: RFC 4343.
      QUERY.replace("056b6e6f776e", "05e06e6f776e"),
      QUERY.replace("056b6e6f776e", "05c06e6f776e"),
      // Not a letter: one above Z, one below a.
      QUERY.replace("056b6e6f776e", "055b6e6f776e"),
      QUERY.replace("056b6e6f776e", "057b6e6f776e"),
    ];
    const keys = new Set(others.map((wire) => query(wire).key));
    assert.equal(keys.size, others.length);
  });

  test("takes nothing for a query that is none", () => {
    const wrong = {
      "an answer": ANSWER,
      "a notification": QUERY.replace("12340100", "12342100"),
      "two questions": QUERY.replace("0001000000000000", "0002000000000000"),
      "no question": "123401000000000000000000",
      "a record that is not there": QUERY.replace(/^(.{20})0000/, "$10001"),
      "a name that points": "123401000001000000000000" + "c00c00010001",
      "a label of 64 bytes": "123401000001000000000000" +
        `40${"61".repeat(64)}00` + "00010001",
      "a name of 256 bytes": "123401000001000000000000" +
        `3f${"61".repeat(63)}`.repeat(3) + `3e${"61".repeat(62)}00` +
        "00010001",
    };
    for (const [what, wire] of Object.entries(wrong)) {
      if (what === "a name of 256 bytes") assert.equal(nameLength(wire), 256);
      assert.equal(readDnsQuery(hex(wire)), undefined, what);
    }
    for (const wire of [QUERY, EDNS_QUERY]) {
      for (let length = 0; length < wire.length / 2; length++) {
        const part = hex(wire).subarray(0, length);
        assert.equal(readDnsQuery(part), undefined, `${length} bytes`);
      }
    }
  });

  test("takes a name of 255 bytes", () => {
    const wire = "123401000001000000000000" +
      `3f${"61".repeat(63)}`.repeat(3) + `3d${"61".repeat(61)}00` +
      "00010001";
    assert.equal(nameLength(wire), 255);
    assert.equal(query(wire).question.length, 255 + 4);
  });
});

/** Bytes of the name in a query without other records. */
function nameLength(wire: string): number {
  return wire.length / 2 - 12 - 4;
}

describe("readDnsAnswer()", () => {
  test("tells id, question, time to live and truncation", () => {
    assert.deepEqual(readDnsAnswer(hex(ANSWER)), {
      id: 0x1234,
      question: hex(QUESTION),
      truncated: false,
      ttlSeconds: 60,
    });
    const cut = readDnsAnswer(hex(ANSWER.replace("8180", "8380")));
    assert.deepEqual([cut?.truncated, cut?.ttlSeconds], [true, 0]);
    assert.equal(readDnsAnswer(hex(QUERY)), undefined);
  });

  test("has the least time to live of all sections", () => {
    const record = (ttl: string): string => `c00c00010001${ttl}0000`;
    const records = ["0000003c", "0000001e", "0000000a"].map(record);
    const ttl = (counts: string, ...all: string[]): number | undefined =>
      readDnsAnswer(answer(counts, all.join("")))?.ttlSeconds;
    assert.equal(ttl("000100000000", records[0]!), 60);
    assert.equal(ttl("000100010000", ...records), 30);
    assert.equal(ttl("000100010001", ...records), 10);
    // The sign bit makes it 0: RFC 2181 §8.
    assert.equal(ttl("000100000000", record("7fffffff")), 0x7fff_ffff);
    assert.equal(ttl("000100000000", record("80000000")), 0);
  });

  test("lets nothing be used again that is for one client, or no answer", () => {
    const record = "c00c000100010000003c0000";
    const ttl = (counts: string, records: string, flags = "8180") => {
      const read = readDnsAnswer(answer(counts, records, { flags }));
      assert.ok(read, "it is passed on all the same");
      return read.ttlSeconds;
    };
    assert.equal(ttl("000100000001", record + opt("04d0", "00000000")), 60);
    // No such name; no records; more than 12 bits of RCODE; a cookie.
    assert.equal(ttl("000100000000", record, "8183"), 0);
    assert.equal(ttl("000000010000", record), 0);
    assert.equal(ttl("000100000001", record + opt("04d0", "01000000")), 0);
    const cookie = "000a00080011223344556677";
    assert.equal(
      ttl("000100000001", record + opt("04d0", "00000000", cookie)),
      0,
    );
    // Options that are cut; records that are; none but OPT.
    assert.equal(
      ttl("000100000001", record + opt("04d0", "00000000", "000a0008")),
      0,
    );
    assert.equal(ttl("000200000000", record), 0);
    assert.equal(ttl("000100000000", opt("04d0", "00000000")), 0);
  });

  test("never ends in an error, whatever is cut or flipped", () => {
    const wire = hex(ANSWER);
    for (let length = 0; length < 12 + QUESTION.length / 2; length++) {
      assert.equal(readDnsAnswer(wire.subarray(0, length)), undefined);
    }
    for (let bit = 0; bit < wire.length * 8; bit++) {
      readDnsQuery(flipBit(wire, bit));
      readDnsAnswer(flipBit(wire, bit));
    }
  });
});

test("sameQuestion() minds no case in a name, and everything else", () => {
  const same = (a: string, b: string): boolean => sameQuestion(hex(a), hex(b));
  assert.ok(same(QUESTION, QUESTION.replace("6b6e6f", "4b4e4f")));
  assert.ok(!same(QUESTION, QUESTION.replace("6b6e6f", "6b6e70")));
  assert.ok(!same(QUESTION, `${QUESTION}00`));
  const [https, other] = ["00410001", "00610001"].map((tail) =>
    QUESTION.replace("00010001", tail)
  );
  assert.ok(!same(https!, other!));
});

describe("agedAnswer()", () => {
  test("has the id and the case of the query, less time to live, and else every byte", () => {
    const records = "c00c000f00010000003c0004000ac00c" +
      "c00c000200017fffffff0002c00c" + "c00c0001000100000013" + "0004c000024d" +
      opt("04d0", "00008000");
    const before = answer("000100010002", records);
    const asked = query(EDNS_QUERY.replace("1234", "0007"));
    const kept = before.slice();
    const aged = agedAnswer(unaligned(before), asked, 20);
    assert.deepEqual(before, kept);
    const want = hex(
      "00078180" + "0001000100010002" + EDNS_QUERY.slice(24, 24 + 32) +
        records.replace("0000003c", "00000028")
          .replace("7fffffff", "7fffffeb").replace("00000013", "00000000"),
    );
    assert.deepEqual(aged, want);
  });

  test("does not grow, when names are compressed", () => {
    const mx = "c00c000f00010000003c0004000ac00c";
    const before = answer("00c900000000", mx.repeat(201));
    const aged = agedAnswer(before, query(), 1);
    assert.equal(aged.length, before.length);
    assert.deepEqual(
      aged,
      answer("00c900000000", mx.replace("3c", "3b").repeat(201)),
    );
  });
});

describe("truncatedAnswer()", () => {
  test("ends after the question, and says that it is cut", () => {
    const cut = truncatedAnswer(hex(ANSWER), query());
    assert.equal(cut.toHex(), "123483800001000000000000" + QUESTION);
    assert.equal(readDnsAnswer(cut)?.truncated, true);
  });

  test("has an OPT record of our own for a query that has one", () => {
    // Not the one that came, whose name is not the root.
    const records = "c00c000100010000003c0004c000024d".repeat(40) +
      "0161002904d0000000000000";
    const before = answer("002800000001", records);
    const asked = query(EDNS_QUERY);
    assert.equal(
      truncatedAnswer(before, asked).toHex(),
      "123483800001000000000001" + QUESTION + opt("1000", "00008000"),
    );
    // One without DNSSEC.
    const plain = query(EDNS_QUERY.replace("00008000", "00004321"));
    assert.ok(truncatedAnswer(before, plain).toHex().endsWith("0000000000"));
  });
});
