import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type Arguments,
  parseArguments,
} from "../../../../src/cli/options/args.ts";
import {
  findCommand,
  impliedCommand,
} from "../../../../src/cli/commands/commands.ts";
import { ConfigError } from "../../../../src/errors.ts";

function parse(command: string, ...argv: string[]): Arguments {
  return parseArguments(findCommand(command)!, argv);
}

function refuses(argv: string[], message: RegExp, command = "local"): void {
  assert.throws(() => parse(command, ...argv), (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.equal(error.code, "ERR_CONFIG_USAGE");
    assert.match(error.message, message);
    return true;
  });
}

test("parseArguments() reads every spelling of getopt", () => {
  const spellings = [
    ["-k", "pw", "-v"],
    ["-kpw", "-v"],
    ["-vk", "pw"],
    ["-vkpw"],
    ["--password", "pw", "--verbose"],
    ["--password=pw", "-v"],
  ];
  for (const argv of spellings) {
    const args = parse("local", ...argv);
    assert.equal(args.last("password"), "pw", argv.join(" "));
    assert.equal(args.has("verbose"), true);
    assert.deepEqual(args.operands, []);
  }
});

test("parseArguments() takes values as they are", () => {
  for (const value of ["-x", "--version", "a=b", "007", "true", " ", "a\nb"]) {
    assert.equal(parse("local", "-k", value).last("password"), value);
    assert.equal(parse("local", `--password=${value}`).last("password"), value);
  }
});

test("parseArguments() collects, or lets the last one win", () => {
  const args = parse("local", "-s", "a", "-s", "b:1", "-k", "1", "-k", "2");
  assert.deepEqual(args.all("server-addr"), ["a", "b:1"]);
  assert.equal(args.last("password"), "2");
  assert.deepEqual(args.all("socks-user"), []);
  assert.equal(args.last("config"), undefined);
});

test("parseArguments() knows aliases of long names", () => {
  assert.equal(
    parse("local", "--method", "aes-128-gcm").last("encrypt-method"),
    "aes-128-gcm",
  );
});

test("parseArguments() keeps operands apart, also after --", () => {
  const args = parse("local", "ss://a", "-v", "--", "-k");
  assert.deepEqual(args.operands, ["ss://a", "-k"]);
  assert.equal(args.last("password"), undefined);
});

test("parseArguments() suggests the nearest option, when one is unknown", () => {
  refuses(
    ["--pasword", "x"],
    /Unknown option --pasword; did you mean --password\?/,
  );
  refuses(["--server-prot=1"], /did you mean --server-port\?/);
  refuses(["--port=1"], /did you mean --server-port\?/);
  refuses(["--ban"], /Unknown option --ban; see --help/);
  refuses(["--no-verbose"], /Unknown option --no-verbose/);
  refuses(
    ["--frobnicate"],
    /Unknown option --frobnicate; see --help/,
  );
  refuses(["-vxk"], /^Unknown option -x; see --help$/);
});

test("parseArguments() does not repeat the value of an unknown option", () => {
  assert.throws(() => parse("local", "--pasword=secret"), (error: Error) => {
    assert.doesNotMatch(error.message, /secret/);
    return true;
  });
});

test("parseArguments() wants a value where there must be one, and only there", () => {
  refuses(["-k"], /-k, --password needs a value: PASSWORD/);
  refuses(["-k", ""], /needs a value/);
  refuses(["--config="], /needs a value: FILE/);
  refuses(["--verbose=1"], /--verbose takes no value/);
});

test("parseArguments() refuses too many operands", () => {
  refuses(["x"], /Unexpected argument at place 1; see --help/, "server");
});

test("parseArguments() refuses options of libev that are not served", () => {
  for (
    const argv of [
      ["-n", "9"],
      ["-f", "p"],
      ["--outbound-user-cookie", "1"],
    ]
  ) {
    refuses(argv, new RegExp(`^Not supported: ${argv[0]}: `));
  }
});

test("parseArguments() warns of options of libev that only tune", () => {
  const args = parse(
    "server",
    "--worker-threads",
    "2",
    "--no-delay",
    "--mtu",
    "1500",
  );
  assert.equal(args.warnings.length, 3);
  assert.match(args.warnings[0]!, /^ignored: --worker-threads: /);
  assert.ok(args.warnings.some((line) => line.includes("--no-delay")));
});

test("parseArguments() lets --help through, whatever else there is", () => {
  assert.equal(parse("server", "-n", "9", "--help").has("help"), true);
});

test("impliedCommand() knows the executables, under any path", () => {
  const name = (...names: (string | undefined)[]): string | undefined =>
    impliedCommand(names)?.name;
  assert.equal(name("ss-local", "/usr/bin/umbra"), "local");
  assert.equal(name("./dist/ss-server"), "server");
  assert.equal(name("umbra", "C:\\bin\\ss-server.EXE"), "server");
  assert.equal(name(undefined, "/usr/bin/ss-local"), "local");
  assert.equal(name("bun", "/usr/bin/bun"), undefined);
  assert.equal(name("help"), undefined);
});
