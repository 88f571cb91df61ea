/**
 * What is typed or pasted by somebody who comes from another program, and the
 * answer that leads on.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { commandOf, findCommand } from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";
import { openOnline } from "../../../src/cli/online/open_online.ts";
import { openLists } from "../../../src/cli/routes/open_lists.ts";
import { sourcesOf } from "../../support/sources.ts";

const NOTHING = sourcesOf(() => "{}");

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret|c2VjcmV0/);
    return true;
  });
}

function local(...argv: string[]): unknown {
  return configureLocal(parseArguments(findCommand("local")!, argv), NOTHING);
}

test("an IPv6 address with a port but without brackets is explained", () => {
  refuses(
    () => local("-s", "::1:8443", "-k", "secret", "-m", "aes-256-gcm"),
    /no server port.*: with port 8443 it is \[::1\]:8443$/,
  );
});

test("HOST:PORT in the place of a link is led to -s", () => {
  for (const place of ["192.0.2.1:8388", "vpn.example:443", "[::1]:8443"]) {
    refuses(() => local(place), /give -s HOST:PORT, -m METHOD and/);
  }
});

test("a link given to a server is led to local and url", () => {
  const server = findCommand("server")!;
  for (const link of ["ss://c2VjcmV0@h:1", "ssr://c2VjcmV0"]) {
    refuses(
      () => configureServer(parseArguments(server, [link]), NOTHING),
      /A link at place 1 is for `umbra local`.*`umbra url` prints the links/,
    );
  }
});

test("an option in the place of the command is led behind one", () => {
  for (const word of ["-c", "--config", "-s"]) {
    refuses(() => commandOf(word), /umbra local -c FILE.*umbra server -c FILE/);
  }
});

test("names that other programs have for methods are led to ours", () => {
  for (
    const [name, ours] of [
      ["chacha20-poly1305", "chacha20-ietf-poly1305"],
      ["AEAD_AES_256_GCM", "aes-256-gcm"],
      ["xchacha20-poly1305", "xchacha20-ietf-poly1305"],
    ]
  ) {
    refuses(() => findMethod(name!), new RegExp(` is called ${ours} here`));
    refuses(
      () => local("-s", "h:1", "-k", "x", "-m", name!),
      new RegExp(` is called ${ours} here`),
    );
  }
});

test("a link of another protocol is named, and what to ask for", () => {
  for (const scheme of ["vmess", "vless", "trojan", "hysteria2"]) {
    refuses(
      () => local(`${scheme}://c2VjcmV0@h:1`),
      new RegExp(`^A ${scheme}:// link is for another protocol.*ss:// link$`),
    );
  }
});

test("a file of another program is named before anything is read of it", async () => {
  const clash = sourcesOf(() => "proxies:\n  - {name: secret}\n");
  const args = parseArguments(findCommand("local")!, ["-c", "f"]);
  for (const open of [openOnline, openLists]) {
    const refusal = await open(args, clash).then(
      () => undefined,
      (error) => error,
    );
    refuses(() => {
      throw refusal;
    }, /f: a configuration of Clash: `umbra convert FILE/);
  }
});

test("a server's file that is given to a local is recognized by its address", () => {
  for (const host of ["0.0.0.0", "::"]) {
    const { warnings } = configureLocal(
      parseArguments(findCommand("local")!, [
        ...["-s", host.includes(":") ? `[${host}]:1` : `${host}:1`],
        ...["-k", "x", "-m", "aes-256-gcm"],
      ]),
      NOTHING,
    );
    assert.ok(
      warnings.some((line) =>
        line.startsWith(`server ${host} is an address to listen on`) &&
        line.includes("`umbra url -c FILE` prints the link")
      ),
      warnings.join("\n"),
    );
  }
});
