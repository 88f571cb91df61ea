// Keys of configuration files are what they are.
// deno-lint-ignore-file camelcase
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { proxyEnvironment } from "../../../../src/cli/tools/proxy_env.ts";
import { ConfigError } from "../../../../src/errors.ts";
import { sourcesOf } from "../../../support/sources.ts";

function run(argv: readonly string[], file: unknown = {}): string {
  const args = parseArguments(findCommand("env")!, argv);
  return proxyEnvironment(args, sourcesOf(() => JSON.stringify(file)));
}

test("umbra env prints four variables, in small and in capital letters", () => {
  assert.equal(
    run([]),
    `export http_proxy='http://127.0.0.1:1080'
export HTTP_PROXY='http://127.0.0.1:1080'
export https_proxy='http://127.0.0.1:1080'
export HTTPS_PROXY='http://127.0.0.1:1080'
export all_proxy='socks5h://127.0.0.1:1080'
export ALL_PROXY='socks5h://127.0.0.1:1080'
export no_proxy='localhost,127.0.0.1,::1'
export NO_PROXY='localhost,127.0.0.1,::1'
`,
  );
});

test("umbra env takes place and users from the file, or from options", () => {
  const file = { local_address: "::", local_port: 1081 };
  assert.match(run(["-c", "f"], file), /http_proxy='http:\/\/\[::1\]:1081'/);
  assert.match(
    run(["-c", "f", "-l", "1082"], file),
    /http_proxy='http:\/\/\[::1\]:1082'/,
  );
  assert.match(
    run(["-b", "0.0.0.0", "--socks-user", "a:it's $(x)"]),
    /all_proxy='socks5h:\/\/a:it%27s%20%24%28x%29@127\.0\.0\.1:1080'/,
  );
});

test("umbra env names what the local speaks, and nothing else", () => {
  const socks = run(["--protocol", "socks"]);
  assert.doesNotMatch(socks, /^export https?_proxy/m);
  assert.match(socks, /all_proxy='socks5h:/);
  assert.match(run(["--protocol", "http"]), /all_proxy='http:/);
  const tunnel = {
    locals: [{
      protocol: "tunnel",
      local_port: 1,
      forward_address: "h",
      forward_port: 2,
    }],
  };
  for (
    const [argv, file] of [[["-c", "f"], tunnel], [["-l", "0"], {}]] as const
  ) {
    assert.throws(() => run(argv, file), ConfigError);
  }
  assert.throws(() => run(["--shell", "cmd"]), /--shell/);
});

test("umbra env writes for other shells", () => {
  assert.match(
    run(["--shell", "fish"]),
    /^set -gx http_proxy 'http:\/\/127\.0\.0\.1:1080'$/m,
  );
  assert.match(
    run(["--shell", "powershell"]),
    /^\$env:http_proxy = 'http:\/\/127\.0\.0\.1:1080'$/m,
  );
});

test("a shell sets what umbra env prints", () => {
  const script = `${run(["--socks-user", "a:it's"])}env`;
  const { stdout } = spawnSync("/bin/sh", ["-c", script], {
    env: {},
    encoding: "utf8",
  });
  assert.match(stdout, /^all_proxy=socks5h:\/\/a:it%27s@127\.0\.0\.1:1080$/m);
  assert.match(stdout, /^NO_PROXY=localhost,127\.0\.0\.1,::1$/m);
});
