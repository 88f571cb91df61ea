/**
 * The status of a program with every optional part.
 *
 * @module
 */
import { systemClock } from "../../src/clock.ts";
import { CallTimes } from "../../src/service/fleet/call_times.ts";
import { emptyBuckets } from "../../src/dial_times.ts";
import { Observations, serviceStatus } from "../../src/admin/observations.ts";
import type { Status, UpstreamStatus } from "../../src/admin/operator.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeOperator } from "./fake_operator.ts";

/** A server of a local. */
const UPSTREAM: UpstreamStatus = {
  name: "near",
  address: "192.0.2.1:8388",
  method: "aes-256-gcm",
  tcpWeight: 1,
  udpWeight: 1,
  tcp: { state: "up", failureRate: 0, sinceUnixMs: 1_700_000_000_000 },
  udp: { state: "up", failureRate: 0, sinceUnixMs: 1_700_000_000_000 },
  selected: true,
  pinned: false,
  disabled: false,
  open: 1,
  bytesUp: 10,
  bytesDown: 100,
  connects: { counts: emptyBuckets(), sumMs: 0 },
  results: { ok: 3 },
  probes: { ok: 1 },
  switches: { down: 1 },
};

/**
 * Returns a status with two users on 8388, and a server without users on 8389.
 */
export function busyStatus(): Status {
  const observations = new Observations(new FakeClock());
  for (let i = 0; i < 3; i++) observations.connectionOpened();
  observations.connectionReleased();
  observations.connectionRefused("ERR_SS_REPLAY");
  observations.datagramDropped("ERR_POLICY_LIMIT");
  observations.routed("direct", "tcp");
  for (const why of ["route", "server", "server"] as const) {
    observations.lookedUp(why);
  }
  for (const to of ["proxy", "proxy"]) observations.routed(to, "udp");
  for (const ms of [4, 40, 400, 12_000]) observations.dialled(ms, true);
  observations.dialled(10_000, false);
  observations.flowOpened();
  observations.clockSkew(-90);
  const services = serviceStatus(observations.snapshot);
  const operator = new FakeOperator().withServer("8389");
  operator.changeUser("8388", "bob", { limits: { quotaBytes: 1_000 } });
  operator.move("8388", "alice", { up: 10, down: 100, open: 2 });
  operator.move("8388", "bob", { up: 20, down: 200 });
  operator.patch = {
    ...services,
    connections: { ...services.connections, limit: 100 },
    eventLoopLagMs: 12.5,
    descriptors: { open: 12, limit: 1_024 },
    upstreams: [UPSTREAM],
    plugins: [{
      name: "obfs-local",
      server: "first",
      state: "ready",
      sinceUnixMs: 0,
      restarts: 1,
    }],
    fleet: {
      node: "one",
      isUp: true,
      clockOffsetS: 0,
      answerMs: 1,
      leasedBytes: 262_144,
      graceBytes: 0,
      uncertainAdmissions: { slow: 0, away: 1 },
      calls: new CallTimes(systemClock).snapshot,
      changesLagMs: 1_500,
      copyAgeMs: 60_000,
      salts: { told: 100, heard: 200, lost: 0, unclaimed: 0 },
      reports: { lease: 5, unknown: 0, stale: 0, failed: 1 },
    },
    panel: {
      host: "panel.test",
      isUp: true,
      users: 2,
      pendingBytes: 1_000,
      uncertainBytes: 0,
      pushes: { taken: 5, refused: 1, unknown: 0 },
    },
  };
  return operator.status();
}
