// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import {
  type Configured,
  configureLocal,
  configureServer,
} from "../../../src/cli/config/config.ts";
import type { Sources } from "../../../src/cli/config/secrets.ts";
import { masterKeyFromPassword } from "../../../src/crypto/master_key.ts";
import { findMethod } from "../../../src/crypto/method.ts";
import { ConfigError } from "../../../src/errors.ts";
import type { ServerOptions } from "../../../src/service/server/server.ts";
import { sourcesOf } from "../../support/sources.ts";

const AES = findMethod("aes-128-gcm");
const ADDRESS = { server: "192.0.2.1", server_port: 1, method: AES.name };

const FILES: Readonly<Record<string, string>> = {
  "/etc/umbra/one": "secret-one\n",
  "/etc/umbra/dos": "secret-dos\r\n",
  "/etc/umbra/public": "secret-public",
  "/run/flag": "secret-flag",
  "/run/two": "secret\nsecret\n",
  "/run/empty": "\n",
};

const VARIABLES = {
  SS_PASSWORD: "secret-variable",
  EMPTY: "",
};

function sources(file: object, variables = {}): Sources {
  return sourcesOf((path) => {
    if (path.startsWith("/etc/umbra/f")) return JSON.stringify(file);
    const text = FILES[path];
    if (text !== undefined) return text;
    throw new ConfigError("ERR_CONFIG_FILE", `Cannot read ${path}: no file`);
  }, {
    variables: { ...VARIABLES, ...variables },
    publicFiles: ["/etc/umbra/public", "/etc/umbra/f-public"],
  });
}

function server(
  file: object,
  argv: string[] = [],
  variables = {},
): Configured<ServerOptions[]> {
  const args = parseArguments(
    findCommand("server")!,
    ["-c", "/etc/umbra/f", ...argv],
  );
  return configureServer(args, sources({ ...ADDRESS, ...file }, variables));
}

/** That the key of the server is made of this password. */
function has(password: string, ...from: Parameters<typeof server>): void {
  const { result, warnings } = server(...from);
  assert.deepEqual(
    result[0]!.masterKey,
    masterKeyFromPassword(password, AES),
  );
  assert.deepEqual(warnings, []);
}

function refuses(run: () => unknown, message: RegExp): void {
  assert.throws(run, (error) => {
    assert.ok(error instanceof ConfigError, String(error));
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
}

test("a password may be a variable, as in shadowsocks-rust: all of it", () => {
  has("secret-variable", { password: "${SS_PASSWORD}" });
  has("${}", { password: "${}" });
  const key = masterKeyFromPassword("x", AES).toBase64();
  has("x", { key: "${K}" }, [], { K: key });
  const users = [{ name: "a", password: "${SS_PASSWORD}" }];
  assert.deepEqual(
    server({ users }).result[0]!.users![0]!.masterKey,
    masterKeyFromPassword("secret-variable", AES),
  );
});

test("a variable within other text is warned of, without the text", () => {
  const { result, warnings } = server({ password: "secret-${SS_PASSWORD}" });
  assert.deepEqual(
    result[0]!.masterKey,
    masterKeyFromPassword("secret-${SS_PASSWORD}", AES),
  );
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /password: a \$\{VARIABLE\} inside other text/);
  assert.doesNotMatch(warnings[0]!, /secret/);
  assert.deepEqual(server({ password: "${SS_PASSWORD}" }).warnings, []);
});

test("a variable that is missing, empty or forbidden is named", () => {
  const missing =
    /^\/etc\/umbra\/f:1:\d+: password: .* variable NONE is not set/;
  refuses(() => server({ password: "${NONE}" }), missing);
  refuses(
    () => server({ password: "${EMPTY}" }),
    /variable EMPTY is not set or empty/,
  );
  const forbidden: Sources = {
    ...sources({ ...ADDRESS, password: "${X}" }),
    variable: (name) => {
      throw new ConfigError("ERR_CONFIG_VALUE", `run with --allow-env=${name}`);
    },
  };
  const args = parseArguments(findCommand("server")!, ["-c", "/etc/umbra/f"]);
  refuses(
    () => configureServer(args, forbidden),
    /f:1:\d+: password: run with --allow-env=X/,
  );
});

test("a password may stand in a file of its own, beside the configuration", () => {
  has("secret-one", { password_file: "one" });
  has("secret-dos", { password_file: "./dos" });
  has("secret-flag", { password_file: "/run/flag" });
  const users = [{ name: "a", password_file: "one" }];
  assert.deepEqual(
    server({ users }).result[0]!.users![0]!.masterKey,
    masterKeyFromPassword("secret-one", AES),
  );
});

test("a password file that cannot serve is named", () => {
  const place = "^/etc/umbra/f:1:\\d+: password_file: ";
  const refusesFile = (path: string, message: string): void =>
    refuses(
      () => server({ password_file: path }),
      new RegExp(place + message),
    );
  refusesFile("none", "Cannot read /etc/umbra/none");
  refusesFile("/run/two", "/run/two has more than one line");
  refusesFile("/run/empty", "/run/empty has no line");
  refuses(
    () => server({ password_file: "one", password: "secret" }),
    /password_file and "password" exclude each other: give one/,
  );
});

test("a password file that everybody may read is warned of", () => {
  assert.deepEqual(server({ password_file: "public" }).warnings, [
    "/etc/umbra/public can be read by every user of this machine: chmod 600",
  ]);
});

test("a configuration with a password that everybody may read is warned of", () => {
  const warnings = (file: object): readonly string[] => {
    const argv = ["-c", "/etc/umbra/f-public"];
    const args = parseArguments(findCommand("server")!, argv);
    return configureServer(args, sources({ ...ADDRESS, ...file })).warnings;
  };
  const told = [
    "/etc/umbra/f-public can be read by every user of this machine: chmod 600",
  ];
  const users = [{ name: "a", password: "secret" }];
  assert.deepEqual(warnings({ password: "secret" }), told);
  assert.deepEqual(warnings({ users }), told);
  assert.deepEqual(warnings({ port_password: { 1: "secret" } }), told);
  assert.deepEqual(warnings({ password_file: "one" }), []);
  assert.deepEqual(warnings({ password: "${SS_PASSWORD}" }), []);
});

test("--password-file is like -k, and not beside it", () => {
  has("secret-flag", { password: "x" }, ["--password-file", "/run/flag"]);
  refuses(
    () => server({}, ["--password-file", "/run/flag", "-k", "secret"]),
    /-k and --password-file exclude each other: give one/,
  );
  refuses(
    () => server({}, ["--password-file", "none"]),
    /^--password-file: (?!.*none)/,
  );
});

test("a password that the runtime could not decode is refused, not changed", () => {
  const refused = /password is not UTF-8/;
  assert.throws(() => server({}, ["-k", "p\ufffd"]), refused);
  const variables = { UMBRA_PASSWORD: "p\ufffd", SS_PASSWORD: "\ufffd" };
  assert.throws(() => server({}, [], variables), refused);
  assert.throws(
    () => server({ password: "${SS_PASSWORD}" }, [], variables),
    refused,
  );
});

test("-k is taken as it is: variables are for the shell", () => {
  has("${SS_PASSWORD}", {}, ["-k", "${SS_PASSWORD}"]);
});

test("UMBRA_PASSWORD serves where nothing else tells a password", () => {
  const variables = { UMBRA_PASSWORD: "secret-last" };
  has("secret-last", {}, [], variables);
  has("x", { password: "x" }, [], variables);
  const users = [{ name: "a", password: "x" }];
  assert.equal(
    server({ users }, [], variables).result[0]!.masterKey,
    undefined,
  );
  const args = parseArguments(findCommand("local")!, ["-s", "h:1"]);
  const [local] = configureLocal(args, sources({}, variables)).result;
  assert.ok(local!.servers[0]!.masterKey);
  refuses(() => server({}), /no password: give -k .* or UMBRA_PASSWORD in the/);
});

test("passwords of SOCKS users may be variables", () => {
  const auth = {
    password: { users: [{ user_name: "u", password: "${SS_PASSWORD}" }] },
  };
  const file = {
    ...ADDRESS,
    password: "x",
    socks5_auth_config_path: "auth",
  };
  const args = parseArguments(findCommand("local")!, ["-c", "f"]);
  const { result } = configureLocal(
    args,
    sourcesOf((path) => JSON.stringify(path === "f" ? file : auth), {
      variables: VARIABLES,
    }),
  );
  assert.deepEqual(result[0]!.users, [
    { username: "u", password: "secret-variable" },
  ]);
});
