/**
 * The documentation as a site: `deno task docs` writes it to `dist/docs`.
 *
 * @module
 */
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitepress";

const ROOT = "../../";

/** Pages that are written elsewhere appear as soon as they are there. */
function ifThere(text: string, path: string): { text: string; link: string }[] {
  const file = new URL(`../${ROOT}${path}.md`, import.meta.url);
  return existsSync(file) ? [{ text, link: `/${path}` }] : [];
}

export default defineConfig({
  title: "Umbra",
  description: "An encrypted proxy that speaks Shadowsocks",
  srcDir: ROOT,
  outDir: `${ROOT}dist/docs`,
  cacheDir: `${ROOT}.cache/vitepress`,
  srcExclude: ["tests/*/**", "deploy/**", ".*/**", "dist/**"],
  ignoreDeadLinks: ["./LICENSE"],
  rewrites: { "README.md": "index.md" },
  cleanUrls: false,
  lastUpdated: false,
  // What stands between angle brackets is text.
  markdown: { html: false },
  // The pages stand outside of the folder that has the packages.
  vite: {
    resolve: {
      alias: [{
        find: /^vue(?=$|\/)/,
        replacement: fileURLToPath(
          new URL("../node_modules/vue", import.meta.url),
        ),
      }],
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: [2, 3],
    sidebar: [
      {
        text: "Begin",
        items: [
          { text: "What it is", link: "/" },
          { text: "Install", link: "/docs/install" },
          { text: "A server in three commands", link: "/docs/server" },
          { text: "A friend's phone", link: "/docs/phone" },
          { text: "Migrate from …", link: "/docs/migrate" },
        ],
      },
      {
        text: "Operate",
        items: [
          { text: "Running a server", link: "/docs/operate" },
          ...ifThere("A fleet of servers", "docs/fleet"),
          ...ifThere("What to expect", "docs/behaviour"),
          ...ifThere("A whole machine", "docs/redir"),
          { text: "Metrics and alerts", link: "/docs/ops/README" },
          { text: "Security", link: "/SECURITY" },
        ],
      },
      {
        text: "Reference",
        items: [
          { text: "Configuration", link: "/docs/configuration" },
          { text: "Examples", link: "/docs/examples/README" },
          { text: "Commands", link: "/docs/site/commands/umbra" },
          { text: "Changes", link: "/CHANGELOG" },
        ],
      },
      {
        text: "Inside",
        collapsed: true,
        items: [
          { text: "Architecture", link: "/ARCHITECTURE" },
          { text: "Decisions", link: "/docs/decisions/README" },
          { text: "Contributing", link: "/CONTRIBUTING" },
        ],
      },
    ],
  },
});
