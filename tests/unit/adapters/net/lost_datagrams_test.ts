import assert from "node:assert/strict";
import { test } from "node:test";
import { LostDatagrams } from "../../../../src/adapters/net/_lost_datagrams.ts";

test("LostDatagrams adds open sockets up, and keeps what closed ones have lost", () => {
  const lost = new LostDatagrams();
  const [one, two] = [{ dropped: 0 }, { dropped: 2 }];
  lost.add(one);
  lost.add(two);
  one.dropped = 5;
  assert.equal(lost.total, 7);
  lost.remove(two);
  lost.remove(two);
  // Its descriptor is another's now.
  two.dropped = 100;
  assert.equal(lost.total, 7);
  one.dropped = 6;
  assert.equal(lost.total, 8);
});
