/**
 * Binary rule sets of sing-box, versions 1 to 4.
 *
 * ```text
 * "SRS" | version 1 | zlib( uvarint rules | rule… )
 * rule     00 item… FF invert | 01 mode uvarint rules rule… invert
 * item     type, and what belongs to it: see `readItem`
 * string   uvarint length, bytes
 * ```
 *
 * A rule with a condition that Umbra does not have is stepped over, and noted.
 *
 * @module
 */
import { MAX_LIST_BYTES, MAX_RULE_DEPTH } from "../../limits.ts";
import { allOf, anyOf, type Condition, not } from "../condition.ts";
import { listError } from "../list_error.ts";
import type { RuleBuilder } from "../rule_builder.ts";
import { type RuleList, RuleListBuilder } from "../rule_list.ts";
import { ByteCursor } from "./byte_cursor.ts";
import type { Decompress } from "./decompress.ts";
import { parsePortRange } from "./port_range.ts";
import { trieNames } from "./succinct_trie.ts";

/** The first bytes of a file. */
export const SRS_MAGIC: readonly number[] = [0x53, 0x52, 0x53];

const NEWEST_VERSION = 4;
const END = 0xff;

/**
 * Reads a rule set.
 *
 * @param bytes The file; borrowed.
 * @param list The list's name in messages.
 * @throws {ConfigError} `ERR_ROUTE_LIST`.
 */
export function readSrs(
  bytes: Uint8Array,
  list: string,
  decompress: Decompress,
): RuleList {
  const head = new ByteCursor(bytes);
  if (!SRS_MAGIC.every((byte) => byte === head.byte())) {
    throw listError("it is not a .srs file");
  }
  const version = head.byte();
  if (version < 1 || version > NEWEST_VERSION) {
    throw listError(
      `its version is ${version}, expected 1 to ${NEWEST_VERSION}`,
    );
  }
  const content = decompress("zlib", head.take(head.left), MAX_LIST_BYTES);
  const builder = new RuleListBuilder(list);
  const reader = new SrsReader(new ByteCursor(content), builder);
  reader.rules();
  return builder.finish();
}

class SrsReader {
  readonly #cursor: ByteCursor;
  readonly #builder: RuleListBuilder;

  constructor(cursor: ByteCursor, builder: RuleListBuilder) {
    this.#cursor = cursor;
    this.#builder = builder;
  }

  /** Reads the rules; the list matches if any of them does. */
  rules(): void {
    const count = this.#count(1);
    for (let i = 0; i < count; i++) {
      const condition = this.#rule(0);
      if (condition === undefined) {
        this.#builder.note("has an unsupported condition", 0);
      } else this.#builder.add(condition);
    }
  }

  /** Returns `undefined` if the rule has an unsupported condition. */
  #rule(depth: number): Condition | undefined {
    if (depth > MAX_RULE_DEPTH) {
      throw listError("its rules are nested too deep");
    }
    const type = this.#cursor.byte();
    if (type === 0) return this.#simple();
    if (type !== 1) throw listError(`it has a rule of type ${type}`);
    const mode = this.#cursor.byte();
    if (mode > 1) throw listError(`it has a logical rule of mode ${mode}`);
    const count = this.#count(1);
    const parts: (Condition | undefined)[] = [];
    for (let i = 0; i < count; i++) parts.push(this.#rule(depth + 1));
    const isInverted = this.#cursor.byte() !== 0;
    const known = parts.filter((part) => part !== undefined);
    if (known.length < parts.length || known.length === 0) return undefined;
    const joined = mode === 0 ? allOf(known) : anyOf(known);
    return isInverted ? not(joined) : joined;
  }

  #simple(): Condition | undefined {
    const rule = this.#builder.rule();
    let isKnown = true;
    for (let item; (item = this.#cursor.byte()) !== END;) {
      if (!this.#item(item, rule)) isKnown = false;
    }
    rule.isInverted = this.#cursor.byte() !== 0;
    return isKnown ? this.#builder.build(rule) : undefined;
  }

  /** @returns False for an unsupported condition. */
  #item(type: number, rule: RuleBuilder): boolean {
    switch (type) {
      case 1:
        for (const text of this.#strings()) rule.networks.push(text);
        return true;
      case 2:
        for (const name of this.#names()) addTrieName(rule, name);
        return true;
      case 3:
        for (const text of this.#strings()) rule.targets.keyword(text, 0);
        return true;
      case 4:
        for (const text of this.#strings()) rule.targets.regex(text, 0);
        return true;
      case 5:
        this.#addresses((from, to) => rule.sources.range(from, to, 0));
        return true;
      case 6:
        this.#addresses((from, to) => rule.targets.range(from, to, 0));
        return true;
      case 9:
        for (const port of this.#ports()) {
          rule.ports.push({ from: port, to: port });
        }
        return true;
      case 10:
        for (const text of this.#strings()) {
          const range = parsePortRange(text);
          if (range === undefined) {
            throw listError(`it has an invalid range of ports "${text}"`);
          }
          rule.ports.push(range);
        }
        return true;
      default:
        this.#skip(type);
        return false;
    }
  }

  /** Skips the values of an unsupported condition. */
  #skip(type: number): void {
    switch (type) {
      case 0:
      case 7:
        this.#ports();
        return;
      case 8:
      case 11:
      case 12:
      case 13:
      case 14:
      case 15:
      case 17:
        for (const _ of this.#strings());
        return;
      case 16:
        for (const _ of this.#names());
        return;
      case 18:
        this.#cursor.take(this.#count(1));
        return;
      case 19:
      case 20:
        return;
      case 21:
        for (let interfaces = this.#count(2); interfaces > 0; interfaces--) {
          this.#cursor.byte();
          this.#prefixes();
        }
        return;
      case 22:
        this.#prefixes();
        return;
      default:
        throw listError(`it has a condition of type ${type}`);
    }
  }

  #count(size: number): number {
    return this.#cursor.counted(this.#cursor.uvarint(), size);
  }

  *#strings(): Generator<string> {
    for (let count = this.#count(1); count > 0; count--) {
      yield UTF8.decode(this.#cursor.take(this.#cursor.uvarint()));
    }
  }

  #ports(): number[] {
    const bytes = this.#cursor.take(2 * this.#count(2));
    const ports: number[] = [];
    for (let i = 0; i < bytes.length; i += 2) {
      ports.push(bytes[i]! * 256 + bytes[i + 1]!);
    }
    return ports;
  }

  #prefixes(): void {
    for (let count = this.#count(2); count > 0; count--) {
      this.#cursor.take(this.#cursor.uvarint());
      this.#cursor.byte();
    }
  }

  #names(): Generator<string> {
    // The version of the trie; there is only one.
    this.#cursor.byte();
    const leaves = this.#cursor.take(8 * this.#count(8));
    const bitmap = this.#cursor.take(8 * this.#count(8));
    const labels = this.#cursor.take(this.#count(1));
    return trieNames({ leaves, bitmap, labels });
  }

  #addresses(take: (from: Uint8Array, to: Uint8Array) => void): void {
    if (this.#cursor.byte() !== 1) {
      throw listError("it has addresses of an unsupported version");
    }
    const count = this.#cursor.counted(this.#cursor.u64(), 10);
    for (let i = 0; i < count; i++) {
      const from = this.#cursor.take(this.#cursor.uvarint());
      const to = this.#cursor.take(this.#cursor.uvarint());
      if (!isRange(from, to)) throw listError("it has an invalid range");
      take(from, to);
    }
  }
}

/** True if both addresses are of one family, and in order. */
export function isRange(from: Uint8Array, to: Uint8Array): boolean {
  if (from.length !== to.length) return false;
  if (from.length !== 4 && from.length !== 16) return false;
  const i = from.findIndex((byte, i) => byte !== to[i]);
  return i < 0 || from[i]! < to[i]!;
}

/** Adds a name of a trie. A mark before it distinguishes suffixes. */
function addTrieName(rule: RuleBuilder, name: string): void {
  switch (name[0]) {
    // The name with its leading dot, which excludes the name itself.
    case "\r":
      return rule.targets.name("suffix", name.slice(1), 0);
    case "\n":
      return rule.targets.name("suffix", name.slice(1), 0);
    default:
      return rule.targets.name("exact", name, 0);
  }
}

const UTF8 = new TextDecoder();
