/**
 * What stands in front of a fleet is read by the programs it is for.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { parse } from "yaml";
import { findCommand } from "../../src/cli/commands/commands.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";
import { missingPrograms } from "./clients.ts";

const FLEET = join(ROOT, "deploy", "fleet");
const CHART = join(ROOT, "deploy", "chart");
const STREAM_MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

const HAPROXY_SKIP = missingPrograms(["haproxy"], "haproxy");
const NGINX_SKIP = missingPrograms(["nginx"], "nginx") ||
  !existsSync(STREAM_MODULE) &&
    "nginx has no stream module: apt-get install -y libnginx-mod-stream";
const HELM_SKIP = missingPrograms(["helm"], "helm");
for (const skip of [HAPROXY_SKIP, NGINX_SKIP, HELM_SKIP]) {
  if (skip) announceSkip(skip);
}

const folder = mkdtempSync(join(tmpdir(), "umbra-deploy-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** @returns What the program said, on both of its outputs. */
function accepts(...[command = "", ...args]: string[]): string {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: "utf8",
  });
  const said = `${stdout}${stderr}`;
  assert.equal(status, 0, said);
  return said;
}

test("haproxy takes deploy/fleet/haproxy.cfg, without a warning", {
  skip: HAPROXY_SKIP,
}, () => {
  const said = accepts("haproxy", "-c", "-f", join(FLEET, "haproxy.cfg"));
  assert.doesNotMatch(said, /WARNING|ALERT/);
});

test("nginx takes deploy/fleet/nginx-stream.conf", {
  skip: NGINX_SKIP,
}, () => {
  const file = join(folder, "nginx.conf");
  writeFileSync(
    file,
    `load_module ${STREAM_MODULE}; pid ${folder}/pid; error_log stderr;
events {}
include ${join(FLEET, "nginx-stream.conf")};
`,
  );
  const said = accepts("nginx", "-t", "-c", file);
  assert.doesNotMatch(said, /\[warn\]/);
});

/** A configuration that stands in deploy/fleet/compose.yaml. */
function inCompose(name: string): string {
  const text = readFileSync(join(FLEET, "compose.yaml"), "utf8");
  const file = join(folder, `${name}.conf`);
  const { configs } = parse(text, { merge: true });
  // A dollar is written as two; the nodes have names only in their network.
  const content = configs[name].content.replaceAll("$$", "$")
    .replaceAll(/\bfra\d:/g, "127.0.0.1:");
  const load = `load_module ${STREAM_MODULE}; pid ${folder}/pid;\n`;
  writeFileSync(file, name === "nginx" ? load + content : content);
  return file;
}

test("haproxy and nginx take what compose.yaml gives them", {
  skip: HAPROXY_SKIP || NGINX_SKIP,
}, () => {
  accepts("haproxy", "-c", "-f", inCompose("haproxy"));
  accepts("nginx", "-t", "-c", inCompose("nginx"));
});

test("compose.yaml starts three nodes that are alike but for their names", () => {
  const text = readFileSync(join(FLEET, "compose.yaml"), "utf8");
  const { services, secrets } = parse(text, { merge: true });
  const nodes = ["fra1", "fra2", "fra3"].map((name) => services[name]);
  for (const { command, hostname: _, ...node } of nodes) {
    assert.deepEqual(command, nodes[0].command);
    const { hostname: _first, command: _command, ...first } = nodes[0];
    assert.deepEqual(node, first);
    for (const secret of node.secrets) assert.ok(secret in secrets);
  }
  // Who runs this command line is understood.
  const flags = nodes[0].command.filter((word: string) => /^--/.test(word));
  const known = new Set(
    findCommand("server")!.options.map(({ name }) => `--${name}`),
  );
  assert.deepEqual(flags.filter((flag: string) => !known.has(flag)), []);
});

/** The values that the chart requires. */
const VALUES = [
  ...["fleet.url=redis://engine:6379", "secrets.serverKey=c2VydmVy"],
  ...["secrets.fleetKey=ZmxlZXQ", "secrets.adminToken=token"],
].flatMap((value) => ["--set", value]);

test("helm takes deploy/chart, and fills it", { skip: HELM_SKIP }, () => {
  accepts("helm", "lint", "--strict", CHART, ...VALUES);
  const made = accepts(
    ...["helm", "template", "umbra", CHART, "--kube-version", "1.30.0"],
    ...VALUES,
  );
  for (
    const kind of [
      "Deployment",
      "Service",
      "Secret",
      "PodDisruptionBudget",
      "HorizontalPodAutoscaler",
    ]
  ) assert.match(made, new RegExp(`^kind: ${kind}$`, "m"));
  assert.match(made, /externalTrafficPolicy: Local/);
});
