/**
 * Certificates from files: what is no pair is refused, what is renewed is taken.
 *
 * @module
 */
import assert from "node:assert/strict";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  readCertificate,
  watchCertificate,
} from "../../../../src/cli/run/certificate.ts";
import { CERTIFICATE_LOOK_MS } from "../../../../src/limits.ts";
import { makeCertificate } from "../../../support/certificate.ts";
import { FakeClock } from "../../../support/fake_clock.ts";

const folder = mkdtempSync(join(tmpdir(), "umbra-certificate-"));
after(() => rmSync(folder, { recursive: true, force: true }));

function pairIn(name: string): { cert: string; key: string } {
  const place = join(folder, name);
  mkdirSync(place);
  makeCertificate(place);
  return { cert: join(place, "server.pem"), key: join(place, "server.key") };
}

const one = pairIn("one");
const two = pairIn("two");
const textOf = ({ cert, key }: typeof one): typeof one => ({
  cert: readFileSync(cert, "utf8"),
  key: readFileSync(key, "utf8"),
});

test("readCertificate() reads a pair", () => {
  assert.deepEqual(readCertificate(one), textOf(one));
});

for (
  const [what, files, message] of [
    ["the key is another's", { ...one, key: two.key }, /does not belong to/],
    [
      "there is no file",
      { ...one, cert: join(folder, "no") },
      /does not exist/,
    ],
    ["the files are swapped", { cert: one.key, key: one.cert }, /certificate/],
    ["the key is none", { ...one, key: one.cert }, /private key/],
  ] as const
) {
  test(`readCertificate() says so, when ${what}`, () => {
    assert.throws(() => readCertificate(files), { message });
  });
}

test("watchCertificate() gives the server what is renewed, and no half of it", async () => {
  const files = pairIn("watched");
  const clock = new FakeClock();
  const lines: string[] = [];
  const given: unknown[] = [];
  const end = watchCertificate({
    files,
    first: readCertificate(files),
    server: {
      renew: (next) => {
        given.push(next);
        return Promise.resolve();
      },
    },
    what: "invitations",
    clock,
    logger: {
      enabled: () => true,
      log: (level, message) => lines.push(`${level}: ${message}`),
    },
  });
  await clock.advance(CERTIFICATE_LOOK_MS * 2);
  assert.deepEqual([given, lines], [[], []]);

  // A renewal may write one file after the other.
  copyFileSync(two.cert, files.cert);
  await clock.advance(CERTIFICATE_LOOK_MS * 2);
  assert.deepEqual(given, []);
  assert.deepEqual(lines.splice(0), [
    "warn: invitations: certificate not renewed",
  ]);
  copyFileSync(two.key, files.key);
  await clock.advance(CERTIFICATE_LOOK_MS);
  assert.deepEqual(given, [textOf(two)]);
  await Promise.resolve();
  assert.deepEqual(lines, ["info: invitations: certificate renewed"]);

  await end();
  writeFileSync(files.cert, textOf(one).cert);
  writeFileSync(files.key, textOf(one).key);
  await clock.advance(CERTIFICATE_LOOK_MS * 2);
  assert.equal(given.length, 1, "the watch has ended");
});
