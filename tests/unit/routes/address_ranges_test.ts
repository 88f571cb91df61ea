import assert from "node:assert/strict";
import { test } from "node:test";
import { parseIp } from "../../../src/codec/ip_address.ts";
import { ListNotes } from "../../../src/routes/list_notes.ts";
import {
  AddressRangesBuilder,
} from "../../../src/routes/match/address_ranges.ts";
import { TargetSetBuilder } from "../../../src/routes/match/target_set.ts";
import { seededRandom } from "../../support/bytes.ts";

const ip = (text: string): Uint8Array => parseIp(text)!;

test("matchAddress() knows blocks of both families, and their lines", () => {
  const set = new TargetSetBuilder("l", new ListNotes());
  const blocks = [
    ...["192.0.2.128/25", "10.1.2.3/8", "203.0.113.7", "2001:db8::/32"],
    ...["::ffff:198.51.100.0/120", "0.0.0.1", "255.255.255.255", "fe80::1/128"],
  ];
  for (const [i, block] of blocks.entries()) assert.ok(set.cidr(block, i + 1));
  const built = set.build();
  for (
    const [address, value, line] of [
      ["192.0.2.128", "192.0.2.128/25", 1],
      ["192.0.2.255", "192.0.2.128/25", 1],
      ["192.0.2.127", undefined],
      ["10.0.0.0", "10.0.0.0/8", 2],
      ["10.255.255.255", "10.0.0.0/8", 2],
      ["::ffff:10.1.1.1", "10.0.0.0/8", 2],
      ["11.0.0.0", undefined],
      ["203.0.113.7", "203.0.113.7", 3],
      ["203.0.113.8", undefined],
      ["2001:db8:ffff::1", "2001:db8::/32", 4],
      ["2001:db9::", undefined],
      ["198.51.100.9", "198.51.100.0/24", 5],
      ["0.0.0.1", "0.0.0.1", 6],
      ["0.0.0.0", undefined],
      ["255.255.255.255", "255.255.255.255", 7],
      ["fe80::1", "fe80::1", 8],
      ["fe80::2", undefined],
    ] as const
  ) {
    const hit = built.matchAddress(ip(address));
    assert.equal(hit?.value, value, address);
    assert.equal(hit?.line, line, address);
  }
});

test("cidr() refuses what is neither an address nor a block", () => {
  const set = new TargetSetBuilder("l", new ListNotes());
  for (
    const text of ["a.test", "192.0.2.1/33", "192.0.2.1/", "::/129", "1.2.3/8"]
      .concat("192.0.2.1/8/8", "192.0.2.1/0x8", "", "/8", "dead.beef")
  ) assert.equal(set.cidr(text, 1), false, text);
});

for (const length of [4, 16]) {
  test(`find() agrees with a search through ranges of ${length} bytes`, () => {
    const next = seededRandom(length);
    // Few different addresses, so that ranges touch, overlap and repeat.
    const address = (): Uint8Array => {
      const bytes = new Uint8Array(length).fill(next() % 2 === 0 ? 0 : 0xff);
      bytes[0] = 0x20;
      for (const at of [1, length - 1]) {
        bytes[at] = [0, 1, 2, 254, 255][next() % 5]!;
      }
      return bytes;
    };
    for (let round = 0; round < 100; round++) {
      const builder = new AddressRangesBuilder();
      const ranges = Array.from({ length: 1 + next() % 12 }, () => {
        const ends = [address(), address()].sort(compare);
        return { from: ends[0]!, to: ends[1]! };
      });
      for (const [i, { from, to }] of ranges.entries()) {
        builder.add(from, to, i + 1);
      }
      const built = builder.build();
      for (let i = 0; i < 100; i++) {
        const asked = address();
        const index = built.find(asked);
        const inside = ranges.map(({ from, to }) =>
          compare(from, asked) <= 0 && compare(asked, to) <= 0
        );
        assert.equal(index >= 0, inside.includes(true));
        // The reported line is one that matches.
        if (index >= 0) assert.ok(inside[built.entry(index).line - 1]);
      }
    }
  });
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const i = a.findIndex((byte, i) => byte !== b[i]);
  return i < 0 ? 0 : a[i]! - b[i]!;
}
