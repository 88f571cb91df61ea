/**
 * What only a prepared kernel does: no route, no answer, no descriptor. The
 * tests run a child in a network namespace or below a low limit.
 */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import process from "node:process";
import { test } from "node:test";
import { CAPABILITIES } from "./capabilities.ts";
import { script } from "./peers.ts";
import { OPENERS } from "./transports.ts";

const linux = process.platform === "linux";

/** Packets to 203.0.113.9 go to a machine that is not there. */
const NETWORK = `ip link set lo up
ip link add sink0 type veth peer name sink1
ip address add 203.0.113.1/24 dev sink0
ip link set sink0 up
ip link set sink1 up
ip neighbour add 203.0.113.9 lladdr 02:00:00:00:00:09 dev sink0
ip route add unreachable 198.51.100.0/24
ip route add prohibit 192.0.2.0/25
echo 1 > /proc/sys/net/ipv4/tcp_syn_retries
exec "$0" "$@"`;

for (const [opener, open] of Object.entries(OPENERS)) {
  const { name, descriptorLimit } = await open();

  test(`${name}: dial() and resolve() name the failure, when the network is broken`, (t) => {
    const prefix = ["-n", "sh", "-ec", NETWORK];
    const trial = linux && spawnSync("unshare", [...prefix, "true"]);
    if (!trial || trial.status !== 0) {
      return t.skip("SKIPPED, needs Linux, root, unshare and ip with veth");
    }
    const { tellsTimeout } = CAPABILITIES[name]!;
    assert.deepEqual(
      outcomes("unshare", prefix, "broken_network.ts", opener),
      {
        "127.0.0.1": "ERR_NET_REFUSED",
        "192.0.2.200": "ERR_NET_UNREACHABLE",
        "192.0.2.1": "ERR_NET_PERMISSION",
        "198.51.100.1": "ERR_NET_HOST_UNREACHABLE",
        "203.0.113.9": tellsTimeout ? "ERR_NET_TIMEOUT" : "ERR_NET_REFUSED",
        "name.invalid": "ERR_NET_NAME_TEMPORARY",
      },
    );
  });

  test(`${name}: dial() and listen() fail with ERR_NET_DESCRIPTORS, when none is left`, (t) => {
    if (!linux) return t.skip("SKIPPED, needs Linux");
    const limited = ["-ec", 'ulimit -n 128; exec "$0" "$@"'];
    assert.deepEqual(outcomes("sh", limited, "no_descriptors.ts", opener), {
      limit: 128,
      dial: "ERR_NET_DESCRIPTORS",
      listen: "ERR_NET_DESCRIPTORS",
      "dial later": "connected",
    });
  });

  test(`${name}: descriptorLimit() is a number, when the system tells`, (t) => {
    if (!linux) return t.skip("SKIPPED, needs Linux");
    assert(descriptorLimit()! >= 64);
  });
}

function outcomes(
  command: string,
  prefix: string[],
  file: string,
  opener: string,
): unknown {
  const child = spawnSync(
    command,
    [...prefix, process.execPath, ...script(file), opener],
    { encoding: "utf8", timeout: 30_000 },
  );
  assert.equal(child.status, 0, `${child.stderr}${child.error ?? ""}`);
  return JSON.parse(child.stdout);
}
