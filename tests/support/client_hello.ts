/**
 * ClientHellos: from an RFC, from a program, and made for a test.
 *
 * @module
 */
import { concat, writeU16 } from "../../src/bytes.ts";
import { hex, utf8 } from "./bytes.ts";

/** RFC 8448 §3: the first message of the client, in its record. */
export const RFC8448_HELLO: Uint8Array = record(hex(
  "010000c00303cb34ecb1e78163ba1c38c6dacb196a6dffa21a8d9912ec18a2ef" +
    "6283024dece7000006130113031302010000910000000b000900000673657276" +
    "6572ff01000100000a00140012001d0017001800190100010101020103010400" +
    "230000003300260024001d002099381de560e4bd43d23d8e435a7dbafeb3c06e" +
    "51c13cae4d5413691e529aaf2c002b0003020304000d0020001e040305030603" +
    "020308040805080604010501060102010402050206020202002d00020101001c" +
    "00024001",
));

/** The ClientHello of OpenSSL 3 to `www.example.com`. */
export const OPENSSL_HELLO: Uint8Array = hex(
  "1603010200010001fc0303546c2a7bd02e3594e461c3be297ae7bccbf0d180f5" +
    "8f3c85a1b5dea27f4c3046208c8e98b929072ee884f3750376a8e88ceeaed342" +
    "060f64af5f30a9bd583b48770024130213031301c02cc030c02bc02fcca9cca8" +
    "c024c028c023c027009f009e006b006700ff0100018f00000014001200000f77" +
    "77772e6578616d706c652e636f6d000b000403000102000a00160014001d0017" +
    "001e0019001801000101010201030104002300000016000000170000000d002a" +
    "0028040305030603080708080809080a080b0804080508060401050106010303" +
    "03010302040205020602002b00050403040303002d0002010100330026002400" +
    "1d0020daea468bb4b95691f1f02b165d77adb0a6ef374e6f597a0f347740b500" +
    "3a4e7c001500de00000000000000000000000000000000000000000000000000" +
    "0000000000000000000000000000000000000000000000000000000000000000" +
    "0000000000000000000000000000000000000000000000000000000000000000" +
    "0000000000000000000000000000000000000000000000000000000000000000" +
    "0000000000000000000000000000000000000000000000000000000000000000" +
    "0000000000000000000000000000000000000000000000000000000000000000" +
    "0000000000000000000000000000000000000000000000000000000000000000" +
    "0000000000",
);

/**
 * Returns a ClientHello with this server name and no other extension.
 *
 * @param name `undefined` for an extension of another kind.
 * @param before Entries of the list before the name, in hex.
 */
export function clientHello(name: string | undefined, before = ""): Uint8Array {
  const entry = concat(Uint8Array.of(0), sized(utf8(name ?? "x.test")));
  const extensions = concat(
    hex(name === undefined ? "0001" : "0000"),
    sized(sized(concat(hex(before), entry))),
  );
  const body = concat(
    hex("0303"),
    new Uint8Array(32).fill(7),
    hex("00" + "00021301" + "0100"),
    sized(extensions),
  );
  return record(concat(Uint8Array.of(1, 0), sized(body)));
}

/** Returns a handshake record. */
export function record(part: Uint8Array): Uint8Array {
  return concat(hex("160301"), sized(part));
}

/** Returns bytes behind their length of two bytes. */
function sized(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(2);
  writeU16(length, 0, bytes.length);
  return concat(length, bytes);
}
