/**
 * SOCKS5 BIND through real sockets, requested by a third-party library.
 *
 * @module
 */
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
// @ts-types="../support/socks.d.ts"
import { SocksClient } from "socks";
import { within } from "../support/within.ts";
import { Chain, LIBEV_SKIP, OUR_PAIRINGS, OURS } from "./chain.ts";

interface Bound {
  readonly host: string;
  readonly port: number;
}

/** Asks for BIND; the library's `bound` and `established` are the replies. */
function ask(chain: Chain): SocksClient {
  return new SocksClient({
    proxy: { ...chain.local.address, type: 5 },
    command: "bind",
    destination: { host: "0.0.0.0", port: 0 },
  });
}

for (const pairing of OUR_PAIRINGS) {
  test(`BIND accepts a connection, ${pairing.name}`, async () => {
    await using chain = await Chain.start(pairing, { flags: ["--bind"] });
    const client = ask(chain);
    const established = once(client, "established");
    client.connect();
    const [{ remoteHost }] = await within(
      10_000,
      () => `the first reply\n${chain.describe()}`,
      once(client, "bound") as Promise<[{ remoteHost: Bound }]>,
    );
    assert.equal(remoteHost.host, "127.0.0.1");
    const peer = connect(remoteHost.port, remoteHost.host);
    peer.end("from the peer");
    const [{ socket, remoteHost: who }] = await within(
      10_000,
      () => `the second reply\n${chain.describe()}`,
      established,
    );
    assert.equal(who.port, peer.localPort);
    socket.resume();
    const [bytes] = await once(socket, "data");
    assert.equal(String(bytes), "from the peer");
    socket.destroy();
    peer.destroy();
  });
}

for (const local of OURS) {
  test(`BIND is answered 07 by ${local}, when the server is libev`, {
    skip: LIBEV_SKIP,
  }, async () => {
    await using chain = await Chain.start({ local, server: "libev" }, {
      localFlags: ["--bind"],
    });
    const client = ask(chain);
    client.connect();
    const [error] = await within(
      20_000,
      () => `the refusal\n${chain.describe()}`,
      once(client, "error") as Promise<[Error]>,
    ).catch((thrown) => [thrown]);
    assert.match(String(error.message), /CommandNotSupported/);
  });
}
