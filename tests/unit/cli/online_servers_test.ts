// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { configureUrls } from "../../../src/cli/config/configure_urls.ts";
import { parseConfig } from "../../../src/cli/config/config_file.ts";
import {
  defaultCachePath,
  OnlineCache,
} from "../../../src/cli/online/online_cache.ts";
import { OnlineServers } from "../../../src/cli/online/online_servers.ts";
import { onlineSettings } from "../../../src/cli/config/online_settings.ts";
import { ConfigError, TransportError } from "../../../src/errors.ts";
import type { LogLevel } from "../../../src/observe.ts";
import { FakeClock } from "../../support/fake_clock.ts";
import { sourcesOf } from "../../support/sources.ts";

const URL_TEXT = "https://example.com/secret/list.json";
const METHOD = "aes-256-gcm";

interface Entry {
  readonly remarks: string;
  readonly method?: string;
  readonly password?: string;
  readonly plugin?: string;
}

function list(...entries: readonly Entry[]): string {
  return JSON.stringify({
    version: 1,
    servers: entries.map((entry) => ({
      server: `${entry.remarks}.example`,
      server_port: 8388,
      password: "pw",
      method: METHOD,
      ...entry,
    })),
  });
}

/** A publisher, a folder and a log, in memory. */
class Scene {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly used: string[][] = [];
  /** What is published; not set: its host is silent. */
  text: string | undefined;
  kept: string | undefined;
  /** Whether new servers cannot be used. */
  refuses = false;
  fetches = 0;

  constructor(text: string | undefined, kept?: string) {
    this.text = text;
    this.kept = kept;
  }

  load(): Promise<OnlineServers> {
    return OnlineServers.load({
      url: new URL(URL_TEXT),
      refreshMs: 3_600_000,
      clock: this.clock,
      fetch: () => {
        this.fetches++;
        return this.text === undefined
          ? Promise.reject(new TransportError("ERR_NET_OTHER", "Silence"))
          : Promise.resolve(this.text);
      },
      cache: {
        read: () =>
          this.kept === undefined
            ? undefined
            : { text: this.kept, savedUnixMs: 0 },
        write: (text) => this.kept = text,
      },
    });
  }

  /** Follows the list; what is used comes to `used`. */
  follow(online: OnlineServers): void {
    const logger = {
      enabled: () => true,
      log: (level: LogLevel, message: string) =>
        void this.lines.push(`${level} ${message}`),
    };
    void online.follow(logger, (servers) => {
      if (this.refuses) throw new ConfigError("ERR_CONFIG_VALUE", "no");
      this.used.push(servers.map(({ host }) => host!));
      return Promise.resolve();
    });
  }
}

test("OnlineServers.load() fetches a list and keeps it", async () => {
  const text = list({ remarks: "one" }, { remarks: "two" });
  const scene = new Scene(text);
  using online = await scene.load();
  assert.deepEqual(online.servers.map(({ host }) => host), [
    "one.example",
    "two.example",
  ]);
  assert.deepEqual(online.warnings, []);
  assert.equal(scene.kept, text);
});

test("OnlineServers.load() leaves out what cannot be used, a plugin first of all", async () => {
  const scene = new Scene(list(
    { remarks: "evil", plugin: "/bin/sh" },
    { remarks: "old", method: "rc4-md5" },
    { remarks: "key", method: "2022-blake3-aes-128-gcm", password: "short" },
    { remarks: "good" },
  ));
  using online = await scene.load();
  assert.deepEqual(online.servers.map(({ host }) => host), ["good.example"]);
  assert.match(
    online.warnings[0]!,
    /evil: the server needs the plugin "\/bin\/sh", and a list may /,
  );
  assert.match(online.warnings[1]!, /old: rc4-md5 does not protect/);
  assert.match(online.warnings[2]!, /key: /);
  assert.equal(online.warnings.length, 3);
});

test("OnlineServers.load() takes plugins that are allowed, by a bare name only", async () => {
  const text = list(
    { remarks: "good", plugin: "obfs-local" },
    { remarks: "other", plugin: "ncat" },
    { remarks: "path", plugin: "/tmp/obfs-local" },
  );
  using online = await OnlineServers.load({
    url: new URL(URL_TEXT),
    refreshMs: 1_000,
    allowedPlugins: ["obfs-local", "/tmp/obfs-local"],
    clock: new FakeClock(),
    fetch: () => Promise.resolve(text),
  });
  assert.deepEqual(
    online.servers.map(({ plugin }) => plugin?.name),
    ["obfs-local"],
  );
  assert.match(
    online.warnings[0]!,
    /other: the server needs the plugin "ncat", and/,
  );
  assert.match(online.warnings[1]!, /path: the server needs the plugin "\/tmp/);
});

test("OnlineServers.load() takes the kept list, when its host is silent or says nonsense", async () => {
  const kept = list({ remarks: "kept" });
  for (
    const text of [undefined, "<html>", list({ remarks: "x", plugin: "y" })]
  ) {
    const scene = new Scene(text, kept);
    using online = await scene.load();
    assert.deepEqual(online.servers.map(({ host }) => host), ["kept.example"]);
    assert.match(
      online.warnings[0]!,
      /; using the list of 1970-01-01T00:00:00\.000Z$/,
    );
    assert.equal(scene.kept, kept);
  }
  await assert.rejects(new Scene(undefined).load(), /Silence/);
  await assert.rejects(new Scene("<html>", "<html>").load(), ConfigError);
});

test("OnlineServers.load() says so, when nothing can be kept", async () => {
  const options = {
    url: new URL(URL_TEXT),
    refreshMs: 1_000,
    clock: new FakeClock(),
    fetch: () => Promise.resolve(list({ remarks: "one" })),
  };
  using nowhere = await OnlineServers.load(options);
  assert.match(nowhere.warnings[0]!, /is not kept: give --cache FILE/);
  using broken = await OnlineServers.load({
    ...options,
    cache: {
      read: () => undefined,
      write: () => {
        throw new Error("disk is full");
      },
    },
  });
  assert.match(broken.warnings[0]!, /cannot keep .*: disk is full/);
});

test("follow() hands on what is new, once an hour, and only that", async () => {
  const scene = new Scene(list({ remarks: "one" }));
  using online = await scene.load();
  scene.follow(online);
  await scene.clock.advance(3_599_999);
  assert.equal(scene.fetches, 1);
  await scene.clock.advance(1);
  assert.equal(scene.fetches, 2);
  assert.deepEqual(scene.used, []);

  scene.text = list({ remarks: "two" }, { remarks: "one" });
  await scene.clock.advance(3_600_000);
  assert.deepEqual(scene.used, [["two.example", "one.example"]]);
  assert.equal(scene.kept, scene.text);
  assert.deepEqual(scene.lines, ["info list of servers has changed"]);
});

test("follow() keeps the last list while its host is silent, and says so once", async () => {
  const scene = new Scene(list({ remarks: "one" }));
  using online = await scene.load();
  scene.follow(online);
  scene.text = undefined;
  await scene.clock.advance(3_600_000 + 5 * 60_000);
  assert.equal(scene.fetches, 7);
  assert.deepEqual(scene.lines, ["warn list of servers is not updated"]);
  scene.text = list({ remarks: "two" });
  await scene.clock.advance(60_000);
  assert.deepEqual(scene.used, [["two.example"]]);
  assert.deepEqual(scene.lines.slice(1), [
    "info list of servers can be fetched again",
    "info list of servers has changed",
  ]);
});

test("follow() tries again, when the servers could not be used", async () => {
  const scene = new Scene(list({ remarks: "one" }));
  using online = await scene.load();
  scene.follow(online);
  scene.refuses = true;
  scene.text = list({ remarks: "two" });
  await scene.clock.advance(3_600_000 + 60_000);
  assert.deepEqual(scene.used, []);
  assert.deepEqual(scene.lines, ["warn list of servers is not updated"]);
  scene.refuses = false;
  await scene.clock.advance(60_000);
  assert.deepEqual(scene.used, [["two.example"]]);
});

test("follow() ends, when the list is disposed of", async () => {
  const scene = new Scene(list({ remarks: "one" }));
  const online = await scene.load();
  scene.follow(online);
  await scene.clock.advance(0);
  online[Symbol.dispose]();
  await scene.clock.advance(7_200_000);
  assert.equal(scene.fetches, 1);
  assert.equal(scene.clock.pending, 0);
});

test("onlineSettings() reads the command line and rust's online_config", () => {
  const settings = (argv: string[], file?: object) =>
    onlineSettings(
      parseArguments(findCommand("local")!, argv),
      file && parseConfig(JSON.stringify(file), "f.json"),
    );
  assert.equal(settings(["ss://YTpi@h:1"]), undefined);
  const named = settings([URL_TEXT, "--refresh", "60", "--cache", "/c"])!;
  assert.deepEqual(
    [named.url.href, named.refreshMs, named.cacheFile],
    [URL_TEXT, 60_000, "/c"],
  );
  const online_config = {
    config_url: "https://a.example/",
    update_interval: 9,
  };
  const filed = settings([], { online_config })!;
  assert.deepEqual(
    [filed.url.href, filed.refreshMs, filed.cacheFile],
    ["https://a.example/", 9_000, undefined],
  );
  assert.equal(settings([URL_TEXT], { online_config })!.url.href, URL_TEXT);
  assert.throws(() => settings([URL_TEXT, URL_TEXT]), /Two addresses/);
  assert.throws(
    () => settings([URL_TEXT, "--refresh", "0"]),
    /--refresh: expected/,
  );
  assert.throws(() => settings([], { online_config: {} }), /config_url is mis/);
});

test("configureLocal() puts published servers where the list was named", () => {
  const online = [{
    origin: "one",
    host: "one.example",
    port: 1,
    secret: { kind: "password", text: "pw", origin: "one" },
  }] as const;
  const hosts = (argv: string[], file: object): string[] => {
    const args = parseArguments(findCommand("local")!, argv);
    const { result } = configureLocal(
      args,
      sourcesOf(() => JSON.stringify(file)),
      online,
    );
    return result[0]!.servers.map(({ endpoint }) => endpoint.host);
  };
  const file = {
    server: "file.example",
    server_port: 1,
    password: "x",
    method: "chacha20-ietf-poly1305",
  };
  const named = ["ss://YWVzLTI1Ni1nY206cHc@uri.example:1", URL_TEXT];
  assert.deepEqual(hosts([...named, "-c", "f"], file), [
    "uri.example",
    "one.example",
  ]);
  const online_config = { config_url: URL_TEXT };
  assert.deepEqual(hosts(["-c", "f"], { ...file, online_config }), [
    "file.example",
    "one.example",
  ]);
});

test("configureLocal() says so, when a list cannot be used", () => {
  const args = parseArguments(findCommand("local")!, [URL_TEXT]);
  assert.throws(
    () => configureLocal(args, sourcesOf(() => "")),
    /cannot be used here: `umbra url`/,
  );
});

test("configureUrls() writes the URIs of a list, configureServer() refuses one", () => {
  const online = [{
    origin: "one",
    host: "one.example",
    port: 1,
    tag: "one",
    secret: { kind: "password", text: "pw", origin: "one" },
  }] as const;
  const url = parseArguments(findCommand("url")!, [URL_TEXT]);
  assert.match(
    configureUrls(url, sourcesOf(() => ""), online).result[0]!,
    /@one\.ex.*#one$/,
  );
  const server = parseArguments(findCommand("server")!, ["-c", "f"]);
  const file = {
    server_port: 1,
    password: "x",
    online_config: { config_url: URL_TEXT },
  };
  assert.throws(
    () => configureServer(server, sourcesOf(() => JSON.stringify(file))),
    /online_config is for ss-local/,
  );
});

const folder = mkdtempSync(join(tmpdir(), "umbra-cache-"));
after(() => rmSync(folder, { recursive: true, force: true }));

test("OnlineCache keeps a list for its owner alone, whole or not at all", () => {
  const path = join(folder, "a", "b", "list.json");
  const cache = new OnlineCache(path);
  assert.equal(cache.read(), undefined);
  cache.write("one");
  cache.write("two");
  const kept = cache.read()!;
  assert.equal(kept.text, "two");
  assert.ok(Math.abs(kept.savedUnixMs - Date.now()) < 60_000);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(statSync(join(folder, "a", "b")).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(join(folder, "a", "b")), ["list.json"]);
});

test("OnlineCache says where it cannot write, and why", () => {
  const file = join(folder, "no_folder");
  writeFileSync(file, "");
  const path = join(file, "list.json");
  assert.throws(() => new OnlineCache(path).write("one"), {
    message: `${path}: a part of the path is a file, not a directory`,
  });
});

test("defaultCachePath() is where the system keeps such files, and tells no address", () => {
  const url = new URL(URL_TEXT);
  const path = defaultCachePath(url, { XDG_CACHE_HOME: "/x", HOME: "/h" })!;
  assert.match(path, /^\/x\/umbra\/[0-9a-f]{32}\.json$/);
  assert.equal(
    defaultCachePath(url, { HOME: "/h", XDG_CACHE_HOME: "" }),
    path.replace("/x/", "/h/.cache/"),
  );
  assert.notEqual(
    defaultCachePath(new URL("https://example.com/b"), { HOME: "/h" }),
    defaultCachePath(url, { HOME: "/h" }),
  );
  assert.equal(defaultCachePath(url, {}), undefined);
});
