/**
 * The status of a program that has seen everything there is to see.
 *
 * @module
 */
import { Observations, serviceStatus } from "../../src/admin/observations.ts";
import type { Status } from "../../src/admin/operator.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeOperator } from "./fake_operator.ts";

/** Two users on 8388, a server without users on 8389. */
export function busyStatus(): Status {
  const observations = new Observations(new FakeClock());
  for (let i = 0; i < 3; i++) observations.connectionOpened();
  observations.connectionReleased();
  observations.connectionRefused("ERR_SS_REPLAY");
  observations.datagramDropped("ERR_POLICY_LIMIT");
  observations.routed("direct", "tcp");
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
  };
  return operator.status();
}
