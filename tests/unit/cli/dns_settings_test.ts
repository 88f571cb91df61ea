import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../src/cli/options/args.ts";
import { findCommand } from "../../../src/cli/commands/commands.ts";
import { dnsFromOptions } from "../../../src/cli/config/local_settings.ts";
import { ConfigError } from "../../../src/errors.ts";

function dns(...argv: string[]): unknown {
  return dnsFromOptions(parseArguments(findCommand("local")!, argv));
}

test("dnsFromOptions() reads where to listen and whom to ask", () => {
  assert.equal(dns(), undefined);
  assert.deepEqual(dns("--dns-listen", "127.0.0.1:5353"), {
    listen: { host: "127.0.0.1", port: 5_353 },
    resolver: { host: "1.1.1.1", port: 53 },
  });
  assert.deepEqual(
    dns("--dns-listen", "[::1]:53", "--dns-upstream", "[2001:db8::1]:54"),
    {
      listen: { host: "::1", port: 53 },
      resolver: { host: "2001:db8::1", port: 54 },
    },
  );
});

test("dnsFromOptions() refuses what cannot be meant", () => {
  for (
    const argv of [
      ["--dns-listen", "127.0.0.1"],
      ["--dns-upstream", "9.9.9.9"],
      ["--dns-listen", "::1:53", "--dns-upstream", "dns.example"],
      ["--dns-listen", "[::1]:53", "--dns-upstream", "9.9.9.9:0"],
    ]
  ) assert.throws(() => dns(...argv), ConfigError);
});
