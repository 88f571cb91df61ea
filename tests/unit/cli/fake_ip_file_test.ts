import assert from "node:assert/strict";
import { test } from "node:test";
import {
  KeptFakeIps,
  readFakeIps,
  writeFakeIps,
} from "../../../src/cli/dns/fake_ip_file.ts";
import type { Kept, KeptFile } from "../../../src/cli/kept_file.ts";
import { formatIp } from "../../../src/codec/ip_address.ts";
import { FAKE_IP_SAVE_MS } from "../../../src/limits.ts";
import { parseCidr } from "../../../src/security/target_policy.ts";
import type { FakeEntry } from "../../../src/service/dns/fake_ips.ts";
import { utf8 } from "../../support/bytes.ts";
import { FakeClock } from "../../support/fake_clock.ts";

const RANGES = {
  ipv4: parseCidr("198.18.0.0/15")!,
  ipv6: parseCidr("fdfe:dcba:9876::/64")!,
};

const ENTRIES: FakeEntry[] = [["b.test", 1], ["a_-.test", 0], ["c", 65_535]];

/** A file in memory. */
class MemoryFile implements Pick<KeptFile, "read" | "write"> {
  text: string | undefined;
  writes = 0;
  isFull = false;

  read(): Kept | undefined {
    return this.text === undefined
      ? undefined
      : { bytes: utf8(this.text), savedUnixMs: 0 };
  }

  write(bytes: Uint8Array): void {
    if (this.isFull) throw new Error("no space left");
    this.writes++;
    this.text = new TextDecoder().decode(bytes);
  }
}

function logger(): {
  lines: string[];
  logger: Parameters<KeptFakeIps["keep"]>[0];
} {
  const lines: string[] = [];
  return {
    lines,
    logger: { enabled: () => true, log: (_, message) => lines.push(message) },
  };
}

test("readFakeIps() reads what writeFakeIps() writes", () => {
  const text = writeFakeIps(RANGES, ENTRIES);
  assert.equal(
    text,
    "umbra fake-ip 1 198.18.0.0/15 fdfe:dcba:9876::/64\n" +
      "1 b.test\n0 a_-.test\n65535 c\n",
  );
  assert.deepEqual(readFakeIps(RANGES, text), ENTRIES);
});

test("readFakeIps() takes whole lines alone, wherever the text is cut", () => {
  const text = writeFakeIps(RANGES, ENTRIES);
  for (let end = 0; end < text.length; end++) {
    const read = readFakeIps(RANGES, text.slice(0, end));
    assert.ok(read.length <= ENTRIES.length);
    for (const [i, [name, index]] of read.entries()) {
      const [whole, number] = ENTRIES[i]!;
      assert.ok(whole.startsWith(name) && index === number, `${end}`);
    }
  }
});

test("readFakeIps() takes nothing of other ranges, and no line that is none", () => {
  const other = { ...RANGES, ipv4: parseCidr("10.0.0.0/8")! };
  assert.deepEqual(readFakeIps(other, writeFakeIps(RANGES, ENTRIES)), []);
  const head = writeFakeIps(RANGES, []);
  for (const line of ["", "1", "a b", "-1 a", "1 A", "1 a b", "1e3 a"]) {
    assert.deepEqual(readFakeIps(RANGES, `${head}${line}\n`), [], line);
  }
});

test("KeptFakeIps keeps names over restarts, every minute and at the end", async () => {
  const clock = new FakeClock();
  const file = new MemoryFile();
  const { logger: log, lines } = logger();
  const first = new KeptFakeIps(RANGES, file as unknown as KeptFile, clock);
  first.keep(log);
  first.fake.addressOf("a.test", "ipv4");
  await clock.advance(FAKE_IP_SAVE_MS);
  assert.equal(file.writes, 1);
  await clock.advance(FAKE_IP_SAVE_MS);
  assert.equal(file.writes, 1, "nothing is new");
  first.fake.addressOf("b.test", "ipv4");
  first[Symbol.dispose]();
  assert.equal(file.writes, 2);
  assert.equal(clock.pending, 0);
  using second = new KeptFakeIps(RANGES, file as unknown as KeptFile, clock);
  const at = (name: string): string =>
    formatIp(second.fake.addressOf(name, "ipv4"));
  assert.deepEqual([at("c.test"), at("b.test"), at("a.test")], [
    ...["198.18.0.3", "198.18.0.2", "198.18.0.1"],
  ]);
  assert.deepEqual(lines, []);
});

test("KeptFakeIps tells of a file that cannot be written, and of none", () => {
  const clock = new FakeClock();
  const file = new MemoryFile();
  file.isFull = true;
  const { logger: log, lines } = logger();
  const kept = new KeptFakeIps(RANGES, file as unknown as KeptFile, clock);
  kept.keep(log);
  kept.fake.addressOf("a.test", "ipv4");
  kept[Symbol.dispose]();
  assert.deepEqual(lines, ["cannot keep fake addresses"]);
  using nowhere = new KeptFakeIps(RANGES, undefined, clock);
  nowhere.keep(log);
  assert.match(lines[1]!, /^fake addresses are not kept/);
});
