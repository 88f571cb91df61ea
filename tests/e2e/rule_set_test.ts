/**
 * A list that sing-box has compiled, asked by both: every host is decided the
 * same way, from the source and from the compiled form.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { decompress } from "../../src/adapters/system/decompress.ts";
import { readRuleList } from "../../src/routes/lists/read_list.ts";
import { questionOf } from "../support/route_world.ts";
import { peerProgram, peerSkip } from "./peers.ts";

const RULES = [
  {
    domain: ["exact.test", "only.exact.example"],
    domain_suffix: ["suffix.test", ".below.test", "example.co.uk", "x"],
    domain_keyword: ["key", "w-rd"],
    domain_regex: ["^re[0-9]+\\.test$"],
    ip_cidr: ["10.0.0.0/8", "192.0.2.1", "2001:db8::/32"],
  },
];

const HOSTS = [
  ...["exact.test", "a.exact.test", "xexact.test", "EXACT.test"],
  ...["suffix.test", "a.suffix.test", "a.b.suffix.test", "asuffix.test"],
  ...["below.test", "a.below.test", "abelow.test", "below.test.example"],
  ...["example.co.uk", "www.example.co.uk", "co.uk", "x", "a.x", "ax"],
  ...["monkey.example", "ke.y", "a-w-rd-b", "re1.test", "re.test"],
  ...["are1.test", "re12.test.example", "other.test", "test"],
  ...["10.1.2.3", "11.1.2.3", "192.0.2.1", "192.0.2.2"],
  ...["2001:db8:1::1", "2001:db9::1"],
];

const folder = mkdtempSync(join(tmpdir(), "umbra-rule-set-"));
after(() => rmSync(folder, { recursive: true, force: true }));

for (const version of [3]) {
  test(`a rule set of version ${version} means what sing-box says`, {
    skip: peerSkip("sing-box"),
  }, () => {
    const source = join(folder, `${version}.json`);
    const compiled = join(folder, `${version}.srs`);
    writeFileSync(source, JSON.stringify({ version, rules: RULES }));
    assert.equal(singBox("compile", source, "-o", compiled), 0);
    for (const path of [source, compiled]) {
      const { condition } = readRuleList(readFileSync(path), {
        list: path,
        decompress,
      });
      const wrong = HOSTS.filter((host) => {
        const ours = condition.answer(questionOf(host)) !== undefined;
        return ours !== isMatched(compiled, host);
      });
      assert.deepEqual(wrong, [], path);
    }
  });
}

const matched = new Map<string, boolean>();

/** It says so in words alone. */
function isMatched(path: string, host: string): boolean {
  const key = `${path} ${host}`;
  const known = matched.get(key);
  if (known !== undefined) return known;
  const { stderr } = run("match", "-f", "binary", path, host);
  const is = /match rules/.test(stderr);
  matched.set(key, is);
  return is;
}

function singBox(...words: string[]): number | null {
  return run(...words).status;
}

function run(
  ...words: string[]
): { readonly status: number | null; readonly stderr: string } {
  return spawnSync(peerProgram("sing-box"), ["rule-set", ...words], {
    encoding: "utf8",
    timeout: 10_000,
  });
}
