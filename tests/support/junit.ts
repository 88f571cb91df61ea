/**
 * Reads the counts out of the JUnit XML that `deno test` and `bun test` write.
 *
 * The totals in the file's head cannot be added up: Deno counts a test with
 * steps once for itself and once per step, Bun counts it once. Here the unit
 * is the innermost test.
 *
 * @module
 */

/** The results of tests. */
export interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** The names of failed tests. */
  readonly failures: readonly string[];
}

/** Counts the test cases of one report. */
export function readCounts(xml: string): Counts {
  const cases = [...xml.matchAll(
    /<testcase\b([^>]*?)(?:\/>|>([\s\S]*?)<\/testcase>)/g,
  )].map(([, attributes, body = ""]) => ({
    name: /\bname="([^"]*)"/.exec(attributes!)?.[1] ?? "",
    failed: /<(?:failure|error)\b/.test(body),
    skipped: /<skipped\b/.test(body),
  }));
  const counts = { passed: 0, failed: 0, skipped: 0 };
  const failures: string[] = [];
  for (const { name, failed, skipped } of cases) {
    // Deno reports the step "b" of test "a" as a test case "a > b".
    const steps = cases.filter((other) =>
      other.name.startsWith(`${name} &gt; `)
    );
    const isParent = steps.length > 0;
    if (failed && !steps.some((step) => step.failed)) {
      counts.failed++;
      failures.push(unescapeXml(name));
    } else if (isParent || failed) continue;
    else if (skipped) counts.skipped++;
    else counts.passed++;
  }
  return { ...counts, failures };
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'",
  "&amp;": "&",
};

function unescapeXml(text: string): string {
  return text.replace(/&\w+;/g, (entity) => ENTITIES[entity] ?? entity);
}

/** Adds counts up. */
export function sum(all: readonly Counts[]): Counts {
  return {
    passed: all.reduce((total, { passed }) => total + passed, 0),
    failed: all.reduce((total, { failed }) => total + failed, 0),
    skipped: all.reduce((total, { skipped }) => total + skipped, 0),
    failures: all.flatMap(({ failures }) => failures),
  };
}
