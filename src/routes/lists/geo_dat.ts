/**
 * `geosite.dat` and `geoip.dat` of v2fly: categories of names and countries'
 * blocks, as protocol buffers.
 *
 * ```text
 * geosite  1: site { 1: code, 2: domain { 1: type, 2: value,
 *                                         3: attribute { 1: key } } }
 * geoip    1: place { 1: code, 2: block { 1: address, 2: bits }, 3: inverse }
 * type     0 keyword, 1 regex, 2 suffix, 3 exact
 * ```
 *
 * Only the category that is asked for is read.
 *
 * @module
 */
import { not } from "../condition.ts";
import { listError } from "../list_error.ts";
import { type RuleList, RuleListBuilder } from "../rule_list.ts";
import { ByteCursor } from "./byte_cursor.ts";

/**
 * Reads one category of names.
 *
 * @param bytes The file; borrowed.
 * @param category `CODE`, or `CODE@ATTRIBUTE` for the names with that
 * attribute.
 * @param list The file's name in messages.
 * @throws {ConfigError} `ERR_ROUTE_LIST`, also if there is no such category.
 */
export function readGeoSite(
  bytes: Uint8Array,
  category: string,
  list: string,
): RuleList {
  const [code = "", attribute] = category.split("@");
  const site = findEntry(bytes, code);
  const builder = new RuleListBuilder(`${list}:${category}`);
  const { targets } = builder.main;
  for (const domain of site) {
    if (domain.number !== 2) continue;
    let type = 0;
    let value = "";
    let isWanted = attribute === undefined;
    for (const field of fields(domain.bytes)) {
      if (field.number === 1) type = field.value;
      else if (field.number === 2) value = UTF8.decode(field.bytes);
      else if (field.number === 3) {
        for (const { number, bytes } of fields(field.bytes)) {
          if (number === 1 && UTF8.decode(bytes) === attribute) isWanted = true;
        }
      }
    }
    if (!isWanted) continue;
    if (type === 0) targets.keyword(value, 0);
    else if (type === 1) targets.regex(value, 0);
    else if (type === 2) targets.name("suffix", value, 0);
    else if (type === 3) targets.name("exact", value, 0);
    else builder.note("has an unknown type", 0);
  }
  return builder.finish();
}

/**
 * Reads the blocks of one country.
 *
 * @param bytes The file; borrowed.
 * @param code The code of the country, or of another entry in the file.
 * @param list The file's name in messages.
 * @throws {ConfigError} `ERR_ROUTE_LIST`, also if there is no such country.
 */
export function readGeoIp(
  bytes: Uint8Array,
  code: string,
  list: string,
): RuleList {
  const builder = new RuleListBuilder(`${list}:${code}`);
  const { targets } = builder.main;
  let isInverse = false;
  for (const { number, value, bytes: block } of findEntry(bytes, code)) {
    if (number === 3) isInverse = value !== 0;
    if (number !== 2) continue;
    let address: Uint8Array = NOTHING;
    let bits = 0;
    for (const field of fields(block)) {
      if (field.number === 1) address = field.bytes;
      else if (field.number === 2) bits = field.value;
    }
    const isBlock = (address.length === 4 || address.length === 16) &&
      bits <= 8 * address.length;
    if (isBlock) targets.block(address, bits, 0);
    else builder.note("is not a block", 0);
  }
  const places = builder.finish();
  return isInverse ? { ...places, condition: not(places.condition) } : places;
}

/** One field of a message. */
interface Field {
  readonly number: number;
  /** The value of a number; otherwise 0. */
  readonly value: number;
  /** The bytes of a field with a length; otherwise empty. */
  readonly bytes: Uint8Array;
}

/** Returns the fields of the entry with this code. */
function findEntry(bytes: Uint8Array, code: string): Field[] {
  const wanted = code.toUpperCase();
  for (const entry of fields(bytes)) {
    if (entry.number !== 1) continue;
    for (const { number, bytes } of fields(entry.bytes)) {
      // The code comes first; other fields are read only if it matches.
      if (number !== 1) continue;
      if (UTF8.decode(bytes).toUpperCase() === wanted) {
        return [...fields(entry.bytes)];
      }
      break;
    }
  }
  throw listError(`it has no category "${code}"`);
}

function* fields(bytes: Uint8Array): Generator<Field> {
  const cursor = new ByteCursor(bytes);
  while (cursor.left > 0) {
    const tag = cursor.uvarint();
    const number = Math.floor(tag / 8);
    switch (tag % 8) {
      case 0:
        yield { number, value: cursor.uvarint(), bytes: NOTHING };
        break;
      case 1:
        cursor.take(8);
        break;
      case 2:
        yield { number, value: 0, bytes: cursor.take(cursor.uvarint()) };
        break;
      case 5:
        cursor.take(4);
        break;
      default:
        throw listError("it is not a .dat file of v2fly");
    }
  }
}

const NOTHING = new Uint8Array();
const UTF8 = new TextDecoder();
