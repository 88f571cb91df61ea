import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { COMMANDS } from "../../../../src/cli/commands/commands.ts";
import { offered } from "../../../../src/cli/completions/completion_values.ts";
import { manPage } from "../../../../src/cli/options/man.ts";
import { announceSkip } from "../../../support/report.ts";

const noGroff = spawnSync("groff", ["--version"]).error &&
  "groff not found: apt-get install -y groff";
if (noGroff) announceSkip(noGroff);

test("manPage() has sections, every command and every option", () => {
  const page = manPage();
  assert.match(page, /^\.TH UMBRA 1 /);
  for (const name of ["NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS"]) {
    assert.match(page, new RegExp(`^\\.SH ${name}$`, "m"));
  }
  for (const command of COMMANDS) {
    const name = command.name.replaceAll("-", "\\-");
    assert.ok(page.includes(`.SS umbra ${name}\n`));
    for (const { name } of offered(command)) {
      assert.ok(page.includes(`\\-\\-${name.replaceAll("-", "\\-")}`), name);
    }
  }
});

test("manPage() starts no line with a control character by accident", () => {
  const macros = /^\.(TH|SH|SS|PP|TP|B|BR|RI|br|nf|fi|RS|RE)( |$)/;
  for (const line of manPage().split("\n")) {
    if (/^[.']/.test(line)) assert.match(line, macros);
    assert.doesNotMatch(line, /`/);
  }
});

test(
  "groff sets the page without a warning",
  { skip: noGroff || false },
  () => {
    const { stdout, stderr, status } = spawnSync(
      "groff",
      ["-man", "-ww", "-Tutf8", "-P-cbou"],
      { input: manPage(), encoding: "utf8" },
    );
    assert.equal(stderr, "");
    assert.equal(status, 0);
    assert.match(stdout, /--encrypt-method METHOD/);
    assert.match(stdout, /umbra local ss:\/\/YWVz/);
  },
);
