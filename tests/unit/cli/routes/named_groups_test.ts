import assert from "node:assert/strict";
import { test } from "node:test";
import { parseArguments } from "../../../../src/cli/options/args.ts";
import { findCommand } from "../../../../src/cli/commands/commands.ts";
import { configureLocal } from "../../../../src/cli/config/config.ts";
import { namedGroups } from "../../../../src/cli/routes/named_groups.ts";
import { explainTargets } from "../../../../src/cli/routes/route_command.ts";
import { ConfigError } from "../../../../src/errors.ts";
import { sourcesOf } from "../../../support/sources.ts";

const SERVERS = ["near", "far", "192.0.2.3:1"];

test("namedGroups() has every server by its name, and groups of them", () => {
  assert.deepEqual(
    Object.fromEntries(namedGroups({ fast: ["near", "far"] }, SERVERS, "c")),
    {
      near: ["near"],
      far: ["far"],
      "192.0.2.3:1": ["192.0.2.3:1"],
      fast: ["near", "far"],
    },
  );
  // A server of this name is none for routes, which have the word already.
  assert.deepEqual([...namedGroups(undefined, ["direct"], "c").keys()], []);
});

test("namedGroups() says what is wrong, and what was meant", () => {
  for (
    const [groups, message] of [
      [
        { fast: ["nera"] },
        'c: groups.fast: no server is called "nera"; did you mean "near"?',
      ],
      [{ fast: [] }, "c: groups.fast: expected a list of names of servers"],
      [{ fast: "near" }, "c: groups.fast: expected a list of names of servers"],
      [{ near: ["far"] }, "c: groups.near: the name is already used"],
      [{ proxy: ["far"] }, "c: groups.proxy: the name is already used"],
    ] as const
  ) {
    assert.throws(
      () => namedGroups(groups, SERVERS, "c"),
      (error) => error instanceof ConfigError && error.message === message,
      message,
    );
  }
});

const FILE = {
  method: "aes-256-gcm",
  password: "p",
  servers: [
    { server: "192.0.2.1", ["server_port"]: 1, id: "near" },
    { server: "192.0.2.2", ["server_port"]: 1, id: "far" },
    { server: "192.0.2.3", ["server_port"]: 1 },
  ],
  groups: { fast: ["near", "192.0.2.3:1"] },
  routes: [
    { domain: "a.test", to: "far" },
    { domain: "b.test", to: "fast" },
    { domain: "c.test", to: "direct" },
  ],
};

test("a local has the ways that its routes lead, and no others", () => {
  const args = parseArguments(findCommand("local")!, ["-c", "c.json"]);
  const sources = sourcesOf(() => JSON.stringify(FILE));
  const [local] = configureLocal(args, sources).result;
  assert.deepEqual(Object.fromEntries(local!.routes!.groups!), {
    far: ["far"],
    fast: ["near", "192.0.2.3:1"],
  });
  const routes = [{ domain: "a.test", to: "fra" }];
  assert.throws(
    () =>
      configureLocal(
        args,
        sourcesOf(() => JSON.stringify({ ...FILE, routes })),
      ),
    /routes\[0\]\.to: no server or group is called "fra"; did you mean "far"\?/,
  );
});

test("umbra route names a server or a group", async () => {
  const args = parseArguments(findCommand("route")!, [
    ...["-c", "c.json", "a.test", "b.test"],
  ]);
  const text = await explainTargets(
    args,
    sourcesOf(() => JSON.stringify(FILE)),
  );
  assert.match(text, /a\.test → far: routes\[0\]/);
  assert.match(text, /b\.test → fast: routes\[1\]/);
});
