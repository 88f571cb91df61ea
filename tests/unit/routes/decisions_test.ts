/**
 * What shadowsocks-rust decided with these files, row for row.
 *
 * @module
 */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  clientAddressRoutes,
  clientRoutes,
  outboundRoutes,
} from "../../../src/routes/acl/acl_routes.ts";
import { readAcl } from "../../../src/routes/acl/read_acl.ts";
import { routeAddress } from "../../../src/routes/match/target_set.ts";
import { questionName } from "../../../src/routes/names.ts";
import type { RouteQuestion } from "../../../src/routes/question.ts";
import type { RouteTable } from "../../../src/routes/route_table.ts";

const FOLDER = new URL("../../data/acl/", import.meta.url);

interface Decisions {
  readonly hosts: Record<string, string>;
  readonly files: Record<
    string,
    Record<string, { readonly rust: string | null }>
  >;
}

const { hosts, files } = JSON.parse(
  readFileSync(new URL("decisions.json", FOLDER), "utf8"),
) as Decisions;

/** Where Umbra decides otherwise than shadowsocks-rust, and why. */
const EXCEPTIONS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  // A client obeys [outbound_block_list]; rust ignores it there.
  "rust-forms-proxy-all.acl": { "127.3.0.1": "block" },
  "rust-forms-bypass-all.acl": { "127.3.0.1": "block" },
};

/** Files that Umbra refuses: rust takes the heading for a pattern. */
const REFUSED = ["bom-unknown-section.acl"];

/** Files that rust refuses, for look-ahead: nothing to compare with. */
const REFUSED_BY_RUST = ["libev-forms.acl"];

/** As the programs that were recorded: 127.0.0.1 is every client. */
const CLIENT = routeAddress("127.0.0.1")!;

for (const [file, rows] of Object.entries(files)) {
  if (REFUSED.includes(file)) {
    test(`${file} is refused`, () => {
      assert.throws(() => acl(file), {
        code: "ERR_ROUTE_LIST",
        message: /:4: \[unknown_section\] is no heading/,
      });
    });
    continue;
  }
  if (REFUSED_BY_RUST.includes(file)) {
    test(`${file} is read, but for look-ahead`, () => {
      const { notes } = acl(file);
      assert.deepEqual(notes.map(({ lines }) => lines), [[8]]);
      assert.match(notes[0]!.reason, /looks ahead or behind/);
      assert.ok(Object.values(rows).every(({ rust }) => rust === null));
    });
    continue;
  }
  test(`${file}: ${Object.keys(rows).length} decisions`, () => {
    const decide = file.startsWith("server-") ? atServer(file) : atClient(file);
    const wrong = Object.entries(rows).flatMap(([host, { rust }]) => {
      const expected = EXCEPTIONS[file]?.[host] ?? rust;
      const actual = decide(host);
      return actual === expected ? [] : [{ host, expected, actual }];
    });
    assert.deepEqual(wrong, []);
  });
}

test("every exception differs from what was recorded", () => {
  for (const [file, exceptions] of Object.entries(EXCEPTIONS)) {
    for (const [host, ours] of Object.entries(exceptions)) {
      assert.notEqual(files[file]![host]!.rust, ours);
    }
  }
});

function acl(file: string): ReturnType<typeof readAcl> {
  const text = new TextDecoder("utf-8", { ignoreBOM: true })
    .decode(readFileSync(new URL(file, FOLDER)));
  return readAcl([{ file, text }], () => undefined);
}

function atClient(file: string): (host: string) => string {
  const routes = clientRoutes(acl(file));
  return (host) => ask(routes, question(host));
}

function atServer(file: string): (host: string) => string {
  const read = acl(file);
  const clients = clientAddressRoutes(read);
  const targets = outboundRoutes(read);
  return (host) => {
    const client = clients.decide({ ...question(host), ...ofClient });
    const to = client!.to === "block" ? "block" : ask(targets, question(host));
    return to === "block" ? "closed" : to;
  };
}

const ofClient = { name: undefined, addresses: [CLIENT] };

/** Decides as a service does: resolves only when asked to. */
function ask(routes: RouteTable, question: RouteQuestion): string {
  const decided = routes.decide(question);
  if (decided !== undefined) return decided.to;
  const ip = hosts[question.name!] ?? hosts[question.name!.toUpperCase()];
  const addresses = ip === undefined ? [] : [routeAddress(ip)!];
  return routes.decide({ ...question, addresses })!.to;
}

function question(host: string): RouteQuestion {
  const address = routeAddress(host);
  return {
    ...address ? { addresses: [address] } : { name: questionName(host) },
    port: 8080,
    network: "tcp",
  };
}
