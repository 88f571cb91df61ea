// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  configureLocal,
  configureServer,
} from "../../../src/cli/config/config.ts";
import { configureUrls } from "../../../src/cli/config/configure_urls.ts";
import type { Sources } from "../../../src/cli/config/secrets.ts";
import { migrate } from "../../../src/cli/migrate/migrate.ts";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { convert } from "../../../src/cli/tools/convert.ts";
import { ConfigError } from "../../../src/errors.ts";
import type { PluginOptions } from "../../../src/service/plugin/options.ts";
import { sourcesOf } from "../../support/sources.ts";

const BASE = {
  server: "192.0.2.1",
  server_port: 8388,
  method: "aes-256-gcm",
  password: "pw",
};

/** Files of a test; every program but the missing ones is there. */
function sources(file: unknown, more: Partial<Sources> = {}): Sources {
  return {
    ...sourcesOf(() => JSON.stringify(file), {
      variables: { TOKEN: "t" },
    }),
    programs: {
      refusal: () => undefined,
      find: (name, folder) =>
        name.includes("missing") || name === "v2ray-plugin"
          ? undefined
          : name.includes("/")
          ? `${folder}|${name}`
          : `/bin/${name}`,
      environment: () => ({ PATH: "/bin" }),
    },
    ...more,
  };
}

function plugins(
  file: unknown,
  argv: readonly string[] = [],
): (PluginOptions | undefined)[] {
  const args = parseArguments(findCommand("local")!, ["-c", "etc/f", ...argv]);
  return configureLocal(args, sources(file)).result[0]!.servers
    .map(({ plugin }) => plugin);
}

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.match(error.message, message);
    return true;
  });
}

const OBFS = { name: "obfs-local", path: "/bin/obfs-local", mode: "tcp_only" };
const ENV = { PATH: "/bin" };

test("a plugin is read from the file of libev and of rust", () => {
  assert.deepEqual(
    plugins({
      ...BASE,
      plugin: "obfs-local",
      plugin_opts: "obfs=http;x=a\\;b",
      plugin_args: ["-v", "--fast-open"],
      plugin_mode: "tcp_and_udp",
      plugin_env: ["TOKEN", "ABSENT"],
    }),
    [{
      ...OBFS,
      options: "obfs=http;x=a\\;b",
      args: ["-v", "--fast-open"],
      mode: "tcp_and_udp",
      env: { ...ENV, TOKEN: "t" },
    }],
  );
  assert.deepEqual(plugins({ ...BASE, plugin: "", plugin_opts: "" }), [
    undefined,
  ]);
});

test("a plugin is read from options, and from a link", () => {
  assert.deepEqual(
    plugins(BASE, ["--plugin", "obfs-local", "--plugin-opts", "obfs=tls"]),
    [{ ...OBFS, options: "obfs=tls", env: ENV }],
  );
  const link = "ss://YWVzLTI1Ni1nY206cHc@192.0.2.1:1/?plugin=" +
    encodeURIComponent("obfs-local;obfs=http;obfs-host=a");
  assert.deepEqual(plugins(BASE, [link]), [
    { ...OBFS, options: "obfs=http;obfs-host=a", env: ENV },
  ]);
});

test("each server of a list has its own plugin, or the common one, or none", () => {
  const { server, server_port, ...common } = BASE;
  const one = { server, server_port };
  assert.deepEqual(
    plugins({
      ...common,
      plugin: "obfs-local",
      plugin_opts: "obfs=http",
      servers: [
        one,
        { ...one, plugin: "" },
        { ...one, plugin: "other" },
        { ...one, plugin_opts: "obfs=tls" },
      ],
    }),
    [
      { ...OBFS, options: "obfs=http", env: ENV },
      undefined,
      { name: "other", path: "/bin/other", mode: "tcp_only", env: ENV },
      { ...OBFS, options: "obfs=tls", env: ENV },
    ],
  );
});

test("an option of the command line changes a plugin of the file", () => {
  const file = { ...BASE, plugin: "obfs-local", plugin_opts: "obfs=http" };
  assert.deepEqual(plugins(file, ["--plugin-opts", "obfs=tls"]), [
    { ...OBFS, options: "obfs=tls", env: ENV },
  ]);
  assert.deepEqual(plugins(file, ["--plugin", "other"]), [
    { name: "other", path: "/bin/other", mode: "tcp_only", env: ENV },
  ]);
});

test("a relative path begins at the file's folder, Debian's name is known", () => {
  assert.equal(
    plugins({ ...BASE, plugin: "./p/obfs" })[0]!.path,
    "etc|./p/obfs",
  );
  assert.equal(plugins(BASE, ["--plugin", "./obfs"])[0]!.path, "|./obfs");
  assert.equal(
    plugins({ ...BASE, plugin: "v2ray-plugin" })[0]!.path,
    "/bin/ss-v2ray-plugin",
  );
});

test("what cannot be run is refused in one line", () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [
      { plugin: "missing-local" },
      /^etc\/f:1:\d+: server: plugin "missing-local": the program is not in PATH/,
    ],
    [
      { plugin: "/missing" },
      /: plugin "\/missing": the program does not exist$/,
    ],
    [{ plugin: "obfsproxy" }, /obfsproxy is not supported; obfs-local is its/],
    [{ plugin: "x", plugin_mode: "both" }, /plugin_mode is "both", expected/],
    [{ plugin: 7 }, /plugin is 7, expected text/],
  ];
  for (const [keys, message] of cases) {
    refuses(() => plugins({ ...BASE, ...keys }), message);
  }
  refuses(
    () => plugins(BASE, ["--plugin", "missing-secret"]),
    /^--plugin: the program is not in PATH: install it, or give its path$/,
  );
  const args = parseArguments(findCommand("local")!, ["-c", "f"]);
  const file = { ...BASE, plugin: "x" };
  refuses(
    () =>
      configureLocal(
        args,
        sources(file, {
          programs: {
            refusal: () => "Deno was not granted it: run it with --allow-run",
            find: () => "/x",
            environment: () => ({}),
          },
        }),
      ),
    /plugin "x": Deno was not granted it: run it with --allow-run$/,
  );
});

test("a server tells what has no effect behind its plugin", () => {
  const run = (file: object): readonly string[] => {
    const args = parseArguments(findCommand("server")!, ["-c", "f"]);
    return configureServer(args, sources({ ...BASE, ...file })).warnings;
  };
  assert.deepEqual(run({ plugin: "obfs-server" }), []);
  assert.deepEqual(
    run({
      plugin: "obfs-server",
      max_connections_per_host: 3,
      users: [{ name: "a", password: "b", max_hosts: 2 }],
    }),
    [
      "ignored for 192.0.2.1:8388: max_connections_per_host, max_hosts: " +
      "behind a plugin all clients come from one address",
    ],
  );
  assert.match(
    run({ plugin_opts: "obfs=http" })[0]!,
    /^ignored: .*: plugin_opts: there is no plugin$/,
  );
  refuses(
    () => run({ plugin: "obfs-server", plugin_mode: "udp_only" }),
    /the plugin would carry no traffic: its mode is "udp_only", the mode of the server "tcp_only"$/,
  );
  assert.deepEqual(
    run({ plugin: "x", plugin_mode: "udp_only", mode: "tcp_and_udp" }),
    [],
  );
});

test("migrate() takes a plugin over", () => {
  const plugin = {
    plugin: "obfs-server",
    plugin_opts: "obfs=http",
    plugin_args: ["-v"],
    plugin_mode: "tcp_only",
  };
  const file = { ...BASE, server: "0.0.0.0", ...plugin };
  const { text } = migrate(["f"], {}, sources(file));
  const { servers: [made] } = JSON.parse(text.replace(/^\/\/.*$/gm, ""));
  const { plugin: name, plugin_opts, plugin_args, plugin_mode } = made;
  assert.deepEqual(
    { plugin: name, plugin_opts, plugin_args, plugin_mode },
    plugin,
  );
});

test("links and other forms carry what clients have", () => {
  const file = {
    ...BASE,
    plugin: "obfs-server",
    plugin_opts: "obfs=http;failover=a:80",
  };
  const url = parseArguments(findCommand("url")!, ["-c", "f"]);
  const [link] = configureUrls(url, sources(file)).result;
  assert.match(link!, /\/\?plugin=obfs-local%3Bobfs%3Dhttp$/);
  const forms = (to: string): string =>
    convert(
      parseArguments(findCommand("convert")!, ["-c", "f", "--to", to]),
      sources(file),
      (length) => new Uint8Array(length),
    ).result;
  for (const to of ["json", "sip008", "sing-box"]) {
    const text = forms(to);
    assert.match(text, /"plugin": "obfs-local",\s+"plugin_opts": "obfs=http"/);
  }
  refuses(() => forms("clash"), /no plugins as SIP003 has them/);
});
