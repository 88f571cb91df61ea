/**
 * `umbra init --install` as root in a mount namespace of its own, where /etc,
 * /var/lib and /run are copies, and systemctl writes down what it is asked.
 *
 * @module
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { test } from "node:test";
import { runToEnd } from "../support/process.ts";
import { executablesOf } from "../support/executables.ts";
import { programCommand } from "../support/program_command.ts";
import { announceSkip } from "../support/report.ts";
import { ROOT } from "../support/runtimes.ts";

/** The stand-in of systemctl first. */
const PATH = "/run/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const UNSHARE = ["unshare", "--mount", "--net"];

/** Nothing of it is seen outside. */
const SETUP = `set -e
scratch=$(mktemp -d)
mount -t tmpfs tmpfs "$scratch"
cp -a /etc "$scratch/etc"
mount --bind "$scratch/etc" /etc
rm -rf /etc/umbra
mount -t tmpfs tmpfs /var/lib
mount -t tmpfs tmpfs /run
mkdir -p /run/systemd/system /run/bin
cat > /run/bin/systemctl <<'END'
#!/bin/sh
echo "$*" >> /run/asked
END
chmod +x /run/bin/systemctl
PATH=/run/bin:$PATH`;

/** What is looked at afterwards. */
const LOOK = `stat -c '%a %U:%G %n' /etc/umbra /etc/umbra/* /var/lib/umbra
cat /run/asked
grep -E '^(User|StateDirectory|KillMode)=' /etc/systemd/system/umbra.service
systemd-analyze verify /etc/systemd/system/umbra.service 2>&1 | grep umbra || :
cat /proc/sys/net/ipv4/tcp_migrate_req`;

const skip = (process.getuid?.() !== 0 ||
  spawnSync(UNSHARE[0]!, [...UNSHARE.slice(1), "true"]).status !== 0 ||
  !existsSync("/proc/sys/net/ipv4/tcp_migrate_req")) &&
  "install: needs root, mount namespaces and Linux 5.14";
if (skip) announceSkip(skip);

test(
  "umbra init --install makes a user, hands it the files and starts the unit",
  {
    skip,
  },
  async () => {
    const program = programCommand("bun", { PATH });
    const { code, output } = await runToEnd(
      [
        ...UNSHARE,
        ...[
          "sh",
          "-c",
          `${SETUP}\n"$@"\n"$@" --force >/dev/null\n${LOOK}`,
          "sh",
        ],
        ...program,
        ...["init", "--install", "--yes", "--host", "vpn.example"],
        ...["--port", "20123", "--user", "ann"],
      ],
      60_000,
      { cwd: ROOT },
    );
    assert.equal(code, 0, output);
    for (
      const line of [
        "750 root:umbra /etc/umbra",
        "640 root:umbra /etc/umbra/server.json",
        "600 root:root /etc/umbra/local-ann.json",
        "750 umbra:umbra /var/lib/umbra",
        "User=umbra",
        "StateDirectory=umbra",
        "KillMode=process",
      ]
    ) {
      assert.ok(output.split("\n").includes(line), `${line} in ${output}`);
    }
    const asked = ["daemon-reload", "enable umbra.service"]
      .concat("restart umbra.service").join("\n");
    assert.ok(output.includes(`${asked}\n${asked}\n`), "twice the same");
    assert.match(output, /The server runs, and starts with this machine/);
    assert.match(output, /user add NAME -c \/etc\/umbra\/server\.json/);
    assert.match(output, /ssh -L (\d+):127\.0\.0\.1:\1 vpn\.example/);
    assert.doesNotMatch(output, /umbra\.service:\d+/, "systemd complains");
    assert.match(output, /^1$/m);
  },
);

test("umbra init --install says so at once, where it cannot", {
  skip: process.getuid?.() !== 0
    ? "needs root to become another user"
    : executablesOf("bun") !== undefined &&
      "another user cannot reach the folder of the executables",
}, async () => {
  const { code, output } = await runToEnd(
    [
      ...["setpriv", "--reuid", "65534", "--clear-groups"],
      ...programCommand("bun"),
      ...["init", "--install", "--yes"],
    ],
    20_000,
    { cwd: "/" },
  );
  assert.equal(code, 2, output);
  assert.match(output, /needs root: sudo umbra init --install/);
});
