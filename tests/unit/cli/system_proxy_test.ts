import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { configureLocal } from "../../../src/cli/config/config.ts";
import type { Kept } from "../../../src/cli/kept_file.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import {
  pacAddress,
  systemProxyOf,
} from "../../../src/cli/system_proxy/configured_proxy.ts";
import {
  desktopOf,
  PROXY_FORMS,
  type ProxyPlace,
} from "../../../src/cli/system_proxy/desktops.ts";
import { repairProxy } from "../../../src/cli/system_proxy/beside_local.ts";
import { SystemProxy } from "../../../src/cli/system_proxy/system_proxy.ts";
import { ConfigError } from "../../../src/errors.ts";
import { FakeDesktop, GNOME_VALUES } from "../../support/fake_desktop.ts";
import { sourcesOf } from "../../support/sources.ts";
import { utf8 } from "../../support/bytes.ts";

const PLACE: ProxyPlace = {
  host: "127.0.0.1",
  port: 1080,
  pac: "http://127.0.0.1:1080/proxy.pac?t=sEcReT",
};

/** A note in memory. */
class FakeNote {
  bytes: Uint8Array | undefined;

  read(): Kept | undefined {
    return this.bytes && { bytes: this.bytes, savedUnixMs: 0 };
  }

  write(bytes: Uint8Array): void {
    this.bytes = bytes;
  }

  remove(): void {
    this.bytes = undefined;
  }
}

interface Scene {
  readonly tools: FakeDesktop;
  readonly note: FakeNote;
  /** Ports of this machine that are listened on. */
  readonly open: Set<number>;
  /** A program that starts. */
  start(): SystemProxy;
}

const KDE_TOOLS = ["kwriteconfig6", "kreadconfig6", "gsettings"];

function scene(
  values: Readonly<Record<string, string>>,
  facts: { readonly platform?: string; readonly desktop?: string } = {},
): Scene {
  const tools = new FakeDesktop(values);
  const note = new FakeNote();
  const open = new Set<number>();
  const desktop = desktopOf({
    platform: facts.platform ?? "linux",
    desktop: facts.desktop,
    hasTool: (name) => KDE_TOOLS.includes(name),
  });
  return {
    tools,
    note,
    open,
    start: () =>
      new SystemProxy({
        desktop,
        note,
        run: tools.run,
        isAnswered: ({ port }) => Promise.resolve(open.has(port)),
      }),
  };
}

const SYSTEMS = [
  ["GNOME", GNOME_VALUES, {}],
  ["GNOME", GNOME_VALUES, { desktop: "ubuntu:GNOME" }],
  ["KDE", { ProxyType: "0", httpProxy: "http://old.example 8080" }, {
    desktop: "KDE",
  }],
  ["KDE", {}, { desktop: "KDE" }],
  ["macOS", {
    "Wi-Fi webproxy": "old.example 8080",
    "Wi-Fi webproxy state": "on",
    "USB LAN webproxy state": "off",
  }, { platform: "darwin" }],
  ["Windows", { ProxyEnable: "0x1", ProxyServer: "old.example:8080" }, {
    platform: "win32",
  }],
  ["Windows", {}, { platform: "win32" }],
] as const;

describe("SystemProxy", () => {
  for (const [name, values, facts] of SYSTEMS) {
    for (const form of PROXY_FORMS) {
      test(`${name}, ${form}: is set, and is what it was afterwards`, async () => {
        const { tools, note, start } = scene(values, facts);
        const proxy = start();
        await proxy.set(form, PLACE);
        const set = [...tools.values].map((entry) => entry.join(" = "))
          .join("\n");
        assert.match(set, form === "pac" ? /proxy\.pac/ : /127\.0\.0\.1/);
        assert.match(new TextDecoder().decode(note.bytes), /"before"/);
        assert.equal(await proxy.restore(), true);
        assert.equal(note.bytes, undefined);
        const after = Object.fromEntries(tools.values);
        for (const [key, value] of Object.entries(values)) {
          assert.equal(after[key], value, key);
        }
        // What is new is off, or is gone again.
        for (const [key, value] of tools.values) {
          if (key in values) continue;
          if (name === "macOS" && !key.endsWith("state")) continue;
          assert.equal(value, "off", key);
        }
        assert.equal(await proxy.restore(), false);
      });
    }
  }

  test("GNOME is configured with its own settings", async () => {
    const { tools, start } = scene(GNOME_VALUES);
    await start().set("pac", PLACE);
    assert.deepEqual(tools.changes, [
      `org.gnome.system.proxy autoconfig-url = '${PLACE.pac}'`,
      "org.gnome.system.proxy mode = 'auto'",
    ]);
    tools.changes.length = 0;
    await start().set("socks", PLACE);
    assert.deepEqual(
      tools.changes.slice(-8),
      [
        "org.gnome.system.proxy.socks host = '127.0.0.1'",
        "org.gnome.system.proxy.socks port = 1080",
        "org.gnome.system.proxy.http host = ''",
        "org.gnome.system.proxy.http port = 0",
        "org.gnome.system.proxy.https host = ''",
        "org.gnome.system.proxy.https port = 0",
        "org.gnome.system.proxy ignore-hosts = " +
        "['localhost', '127.0.0.0/8', '::1']",
        "org.gnome.system.proxy mode = 'manual'",
      ],
    );
  });

  test("what somebody else has set meanwhile stays", async () => {
    const { tools, start } = scene(GNOME_VALUES);
    await start().set("pac", PLACE);
    tools.values.set("org.gnome.system.proxy mode", "'manual'");
    assert.equal(await start().restore(), true);
    assert.equal(tools.values.get("org.gnome.system.proxy mode"), "'manual'");
    assert.equal(
      tools.values.get("org.gnome.system.proxy autoconfig-url"),
      "''",
    );
  });

  test("what a program has left that was killed is restored by the next", async () => {
    const { tools, note, open, start } = scene(GNOME_VALUES);
    open.add(PLACE.port);
    await start().set("http", PLACE);
    // It runs: its proxy is not removed.
    assert.deepEqual(await repairProxy(start()), []);
    await assert.rejects(
      start().set("http", { ...PLACE, port: 1081 }),
      /it is set to 127\.0\.0\.1:1080 by a program that still runs/,
    );
    open.clear();
    const [told] = await repairProxy(start());
    assert.match(
      told!,
      /had left .* 127\.0\.0\.1:1080; earlier setting restored/,
    );
    assert.deepEqual(Object.fromEntries(tools.values), GNOME_VALUES);
    assert.equal(note.bytes, undefined);
    assert.deepEqual(await repairProxy(start()), []);
  });

  test("who sets it after a crash restores what was before the crash", async () => {
    const { tools, open, start } = scene(GNOME_VALUES);
    await start().set("http", PLACE);
    // The same place is listened on again, by the one that sets it.
    open.add(PLACE.port);
    await start().set("pac", PLACE);
    assert.equal(await start().restore(), true);
    assert.deepEqual(Object.fromEntries(tools.values), GNOME_VALUES);
  });

  test("a command that fails leaves everything as it was, and no secret", async () => {
    for (
      const failing of [/set .* mode/, /get .* mode/, /set .* autoconfig/]
    ) {
      const { tools, note, start } = scene(GNOME_VALUES);
      tools.failing = failing;
      await assert.rejects(start().set("pac", PLACE), (error) => {
        assert.ok(error instanceof ConfigError);
        assert.match(
          error.message,
          /^Cannot change the system's proxy: gsettings (?:get|set) failed: No such schema$/,
        );
        return true;
      });
      assert.deepEqual(Object.fromEntries(tools.values), GNOME_VALUES);
      assert.equal(note.bytes, undefined);
    }
  });

  test("a note of somebody else's, and none, restore nothing", async () => {
    const { tools, note, start } = scene(GNOME_VALUES);
    for (const text of ["", "{", "[]", '{"desktop":1}', "null"]) {
      note.bytes = utf8(text);
      assert.equal(await start().restore(), false, text);
      assert.equal(await start().repair(), undefined, text);
    }
    note.bytes = utf8(
      '{"desktop":"KDE","place":{"host":"::1","port":1},"before":{},"ours":{}}',
    );
    await assert.rejects(start().restore(), /it was set on KDE/);
    assert.deepEqual(tools.changes, []);
  });

  test("a system without such a setting is distinguished from one with it", async () => {
    const none = desktopOf({ platform: "linux", hasTool: () => false });
    assert.equal(none, undefined);
    const proxy = new SystemProxy({
      desktop: none,
      note: new FakeNote(),
      run: () => Promise.reject(new Error("not run")),
      isAnswered: () => Promise.resolve(false),
    });
    assert.equal(proxy.isKnown, false);
    await assert.rejects(
      proxy.set("pac", PLACE),
      /does not support the proxy setting/,
    );
    const five = desktopOf({
      platform: "linux",
      desktop: "KDE",
      hasTool: (name) => name === "kwriteconfig5",
    });
    const [first] = await five!.settings(() => Promise.reject(new Error()));
    assert.equal(first!.read[0], "kreadconfig5");
  });
});

function asked(argv: string[]): ReturnType<typeof systemProxyOf> {
  const args = parseArguments(findCommand("local")!, [
    ...["-s", "192.0.2.1:8388", "-k", "pw", ...argv],
  ]);
  return systemProxyOf(args, configureLocal(args, sourcesOf(() => "")).result);
}

test("--system-proxy leads to where programs of this machine reach the local", () => {
  assert.equal(asked([]), undefined);
  assert.deepEqual(asked(["--system-proxy", "pac"]), {
    form: "pac",
    place: {
      host: "127.0.0.1",
      port: 1080,
      pac: "http://127.0.0.1:1080/proxy.pac",
    },
  });
  const { place } = asked([
    "--system-proxy",
    "http",
    "-b",
    "::",
    "-l",
    "8080",
  ])!;
  assert.deepEqual([place.host, place.port], ["::1", 8_080]);
  const secured = asked(["--system-proxy", "pac", "--socks-user", "a:b"])!;
  assert.match(
    secured.place.pac,
    /^http:\/\/127\.0\.0\.1:1080\/proxy\.pac\?t=[\w-]{22}$/,
  );
  const other = asked(["--system-proxy", "pac", "--socks-user", "a:c"])!;
  assert.notEqual(other.place.pac, secured.place.pac);
});

test("--system-proxy refuses what could not work", () => {
  for (
    const [argv, message] of [
      [["tcp"], /--system-proxy.*pac, socks or http/],
      [["pac", "-l", "0"], /pac: the system chooses the port.*give -l PORT/],
      [
        ["pac", "-b", "0.0.0.0"],
        /no PAC file is served at 0\.0\.0\.0:1080; give --pac/,
      ],
      [["pac", "--protocol", "socks"], /the local supports socks only/],
      [["socks", "--protocol", "http"], /the local supports http only/],
      [
        ["socks", "--socks-user", "a:b"],
        /requires a password; give pac or http/,
      ],
    ] as const
  ) {
    assert.throws(
      () => asked(["--system-proxy", ...argv]),
      (error) => error instanceof ConfigError && message.test(error.message),
      argv.join(" "),
    );
  }
  const args = parseArguments(findCommand("system-proxy")!, [
    ...["-s", "192.0.2.1:8388", "-k", "pw", "--protocol", "socks"],
  ]);
  const { result } = configureLocal(args, sourcesOf(() => ""));
  assert.throws(() => pacAddress(result), /supports socks only/);
});
