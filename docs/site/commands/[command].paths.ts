/**
 * A page for each command, of what its `--help` says.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../../src/main.ts", import.meta.url));

/** What one page is made of. */
interface Page {
  readonly params: { readonly command: string; readonly title: string };
  readonly content: string;
}

export default {
  paths(): Page[] {
    const overview = help();
    const names = [...overview.matchAll(/^ {2}([a-z-]+) {2,}/gm)]
      .map(([, name]) => name!);
    return [
      page("umbra", "umbra", overview, names),
      ...names.map((name) => page(name, `umbra ${name}`, help(name), [])),
    ];
  },
};

function page(
  command: string,
  title: string,
  text: string,
  others: readonly string[],
): Page {
  const links = others.map((name) => `- [umbra ${name}](./${name}.md)\n`);
  return {
    params: { command, title },
    content: `\`\`\`text\n${text}\`\`\`\n\n${links.join("")}`,
  };
}

function help(...command: string[]): string {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["run", "-A", MAIN, "help", ...command],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`umbra help ${command}: ${stderr}`);
  return stdout;
}
