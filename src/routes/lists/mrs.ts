/**
 * Binary rule sets of mihomo, version 1.
 *
 * ```text
 * zstd( "MRS" 01 | behaviour 1 | i64 count | i64 length, extra | content )
 * domain   01 | i64 n, n words of leaves | i64 n, n words of bitmap
 *             | i64 n, n bytes of labels                  (succinct_trie.ts)
 * ipcidr   01 | i64 n, n × (16 bytes from, 16 bytes to)
 * ```
 *
 * @module
 */
import { MAX_LIST_BYTES } from "../../limits.ts";
import { listError } from "../list_error.ts";
import { type RuleList, RuleListBuilder } from "../rule_list.ts";
import { ByteCursor } from "./byte_cursor.ts";
import { addClashName } from "./clash_name.ts";
import type { Decompress } from "./decompress.ts";
import { isRange } from "./srs.ts";
import { trieNames } from "./succinct_trie.ts";

/** The first bytes of every zstd stream. RFC 8878 §3.1.1. */
export const ZSTD_MAGIC: readonly number[] = [0x28, 0xb5, 0x2f, 0xfd];

const MAGIC = [0x4d, 0x52, 0x53, 0x01];

/**
 * Reads a rule set.
 *
 * @param bytes The file; borrowed.
 * @param list The list's name in messages.
 * @throws {ConfigError} `ERR_ROUTE_LIST`.
 */
export function readMrs(
  bytes: Uint8Array,
  list: string,
  decompress: Decompress,
): RuleList {
  const cursor = new ByteCursor(decompress("zstd", bytes, MAX_LIST_BYTES));
  if (!MAGIC.every((byte) => byte === cursor.byte())) {
    throw listError("it is not a .mrs file of version 1");
  }
  const behaviour = cursor.byte();
  cursor.u64();
  cursor.take(cursor.u64());
  if (cursor.byte() !== 1) {
    throw listError("its content has an unsupported version");
  }
  const builder = new RuleListBuilder(list);
  const { targets } = builder.main;
  const count = (size: number): number => cursor.counted(cursor.u64(), size);
  if (behaviour === 0) {
    const leaves = cursor.take(8 * count(8));
    const bitmap = cursor.take(8 * count(8));
    const labels = cursor.take(count(1));
    for (const name of trieNames({ leaves, bitmap, labels })) {
      addClashName(targets, name, 0);
    }
  } else if (behaviour === 1) {
    for (let left = count(32); left > 0; left--) {
      const from = cursor.take(16);
      const to = cursor.take(16);
      if (!isRange(from, to)) throw listError("it has an invalid range");
      targets.range(from, to, 0);
    }
  } else throw listError(`its behaviour ${behaviour} is unknown`);
  return builder.finish();
}
