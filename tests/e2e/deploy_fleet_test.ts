/**
 * What stands in front of a fleet is read by the programs it is for.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
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
function accepts(command: string, ...args: string[]): string {
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

test("helm takes deploy/chart, and fills it", { skip: HELM_SKIP }, () => {
  accepts("helm", "lint", "--strict", CHART);
  const made = accepts("helm", "template", "umbra", CHART);
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
