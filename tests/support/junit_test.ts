/**
 * The closing line of the test run counts what the runners report.
 *
 * @module
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { readCounts, sum } from "./junit.ts";

test("readCounts() counts innermost tests, when Deno reports steps", () => {
  const xml = `<testsuites tests="6" failures="2"><testsuite>
    <testcase name="plain" line="1">
    </testcase>
    <testcase name="left out"><skipped/></testcase>
    <testcase name="parent"><failure message="1 step">x</failure></testcase>
    <testcase name="parent &gt; good"></testcase>
    <testcase name="parent &gt; bad"><failure message="a &gt; b">y</failure>
    </testcase></testsuite></testsuites>`;
  assert.deepEqual(readCounts(xml), {
    passed: 2,
    failed: 1,
    skipped: 1,
    failures: ["parent > bad"],
  });
});

test("readCounts() counts a parent, when it fails by itself", () => {
  const xml = `<testcase name="p"><failure>after the step</failure></testcase>
    <testcase name="p &gt; s"></testcase>`;
  assert.deepEqual(readCounts(xml), {
    passed: 1,
    failed: 1,
    skipped: 0,
    failures: ["p"],
  });
});

test("readCounts() reads empty elements, when Bun writes them", () => {
  const xml = `<testsuite name="f"><testcase name="a" time="0.1" />
    <testcase name="b"><skipped /></testcase><testsuite name="group">
    <testcase name="c"><failure type="E" message="m">t</failure></testcase>
    <testcase name="d" /></testsuite></testsuite>`;
  assert.deepEqual(readCounts(xml), {
    passed: 2,
    failed: 1,
    skipped: 1,
    failures: ["c"],
  });
});

test("readCounts() counts nothing, when there is no report", () => {
  assert.deepEqual(readCounts(""), {
    passed: 0,
    failed: 0,
    skipped: 0,
    failures: [],
  });
});

test("sum() adds every column, and keeps the names", () => {
  assert.deepEqual(
    sum([{ passed: 1, failed: 2, skipped: 3, failures: ["a", "b"] }, {
      passed: 10,
      failed: 1,
      skipped: 30,
      failures: ["c"],
    }]),
    { passed: 11, failed: 3, skipped: 33, failures: ["a", "b", "c"] },
  );
});
