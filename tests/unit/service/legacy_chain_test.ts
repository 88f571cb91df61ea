/**
 * Application, local, server and target, with ShadowsocksR and lightsocks
 * between local and server.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concat } from "../../../src/bytes.ts";
import { makeLightsocksTable } from "../../support/lightsocks_table.ts";
import { findStreamMethod } from "../../../src/crypto/stream_methods.ts";
import { LIGHTSOCKS_METHOD } from "../../../src/session/lightsocks/method.ts";
import type { SsrSettings } from "../../../src/session/family.ts";
import { ssrMethod } from "../../../src/session/shadowsocksr/method.ts";
import { seededBytes, utf8 } from "../../support/bytes.ts";
import { seededRandomBytes } from "../../support/ssr.ts";
import { settle } from "../../support/fake_clock.ts";
import { readAll, send } from "../../support/streams.ts";
import { SERVER, TARGET, World } from "../../support/world.ts";

const STACKS: readonly (SsrSettings & { readonly method: string })[] = [
  ["origin", "random_head", "aes-256-cfb"],
  ["auth_aes128_md5", "tls1.2_ticket_auth", "chacha20-ietf"],
  ["auth_aes128_sha1", "tls1.2_ticket_fastauth", "aes-128-ctr"],
  ["auth_sha1_v4", "http_post", "rc4-md5"],
  ["auth_chain_a", "tls1.2_ticket_auth", "none"],
  ["auth_chain_b", "http_simple", "none"],
].map(([protocol, obfs, method]) => ({
  protocol: protocol!,
  obfs: obfs!,
  method: method!,
}));

/** More than a handshake may hold back. */
const UPLOAD = seededBytes(1_500_000);

for (const { method: name, ...ssr } of STACKS) {
  test(`${ssr.protocol} ${ssr.obfs} ${name}: uploads, half-close, answers`, async () => {
    const world = new World();
    const method = ssrMethod(findStreamMethod(name)!);
    const masterKey = seededBytes(method.keyLength);
    await world.server({ method, masterKey, ssr });
    await world.local({
      servers: [{
        endpoint: SERVER,
        method,
        masterKey,
        ssr: { ...ssr, server: SERVER },
      }],
    });
    await carries(world);
    await world.stop();
  });
}

describe("lightsocks", () => {
  const masterKey = makeLightsocksTable(seededRandomBytes());
  const keys = { method: LIGHTSOCKS_METHOD, masterKey };

  async function start(): Promise<World> {
    const world = new World();
    await world.server(keys);
    await world.local({ servers: [{ endpoint: SERVER, ...keys }] });
    return world;
  }

  test("uploads, half-close, answers", async () => {
    const world = await start();
    await carries(world);
    await world.stop();
  });

  test("answers in SOCKS5 that the target refused", async () => {
    const world = await start();
    const connection = await world.network.dial(SERVER);
    const table = masterKey;
    const encode = (bytes: Uint8Array): Uint8Array =>
      bytes.map((byte) => table[byte]!);
    await send(connection, encode(Uint8Array.of(5, 1, 0)));
    await settle();
    const target = Uint8Array.of(5, 1, 0, 1, 10, 0, 0, 3, 0, 80);
    await send(connection, encode(target));
    const answers = await readAll(connection.readable);
    const expected = concat(
      Uint8Array.of(5, 0),
      Uint8Array.of(5, 5, 0, 1, 0, 0, 0, 0, 0, 0),
    );
    assert.deepEqual(answers, encode(expected));
    await world.stop();
  });
});

/** An application uploads, ends, and still gets its answer. */
async function carries(world: World): Promise<void> {
  const listener = await world.target(TARGET);
  const { client: application } = await world.connect();
  const sending = send(application, UPLOAD)
    .then(() => application.closeWrite());
  const target = (await listener.accept())!.connection;
  assert.deepEqual(await readAll(target.readable), UPLOAD);
  await sending;
  await send(target, utf8("the answer"));
  await target.closeWrite();
  assert.deepEqual(await readAll(application.readable), utf8("the answer"));
}
