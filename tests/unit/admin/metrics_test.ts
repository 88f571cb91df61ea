import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  METRICS_CONTENT_TYPE,
  renderMetrics,
  SCRAPED_USERS,
} from "../../../src/admin/metrics.ts";
import type { Status } from "../../../src/admin/operator.ts";
import { busyStatus } from "../../support/busy_status.ts";
import { FakeOperator } from "../../support/fake_operator.ts";

describe("renderMetrics()", () => {
  test("writes what the status says, in base units", async () => {
    const lines = await render(busyStatus());
    for (
      const line of [
        'umbra_build_info{version="0.0.0-test",runtime="test 1.0",role="server"} 1',
        'umbra_crypto_provider_info{method="2022-blake3-aes-128-gcm",provider="noble"} 1',
        "umbra_ready 1",
        "umbra_connections_open 2",
        "umbra_connections_limit 100",
        "umbra_connections_total 3",
        'umbra_refusals_total{code="ERR_SS_REPLAY"} 1',
        'umbra_refusals_total{code="ERR_SS_AUTHENTICATION"} 0',
        'umbra_datagrams_dropped_total{code="ERR_POLICY_LIMIT"} 1',
        'umbra_local_lookups_total{why="route"} 1',
        'umbra_local_lookups_total{why="server"} 2',
        'umbra_routed_total{to="direct",network="tcp"} 1',
        'umbra_routed_total{to="proxy",network="udp"} 2',
        "umbra_udp_associations 1",
        "umbra_udp_evictions_total 0",
        "umbra_datagrams_lost_total 0",
        "umbra_clock_skew_seconds -90",
        "umbra_event_loop_lag_seconds 0.0125",
        "process_resident_memory_bytes 67108864",
        "process_start_time_seconds 1700000000",
        "process_open_fds 12",
        "process_max_fds 1024",
        'umbra_bytes_total{server="8388",user="alice",direction="up"} 10',
        'umbra_bytes_total{server="8388",user="bob",direction="down"} 200',
        'umbra_bytes_total{server="8389",user="",direction="up"} 0',
        'umbra_packets_total{server="8388",user="bob",direction="up"} 0',
        'umbra_user_sessions{server="8388",user="alice"} 2',
        'umbra_user_last_seen_timestamp_seconds{server="8388",user="bob"} 1700003600',
        'umbra_user_quota_bytes{server="8388",user="bob"} 1000',
      ]
    ) assert.ok(lines.includes(line), line);
  });

  test("writes dials as a histogram that adds up", async () => {
    const lines = await render(busyStatus());
    const name = "umbra_dial_duration_seconds";
    for (
      const line of [
        `# TYPE ${name} histogram`,
        `${name}_bucket{result="ok",le="0.002"} 0`,
        `${name}_bucket{result="ok",le="0.005"} 1`,
        `${name}_bucket{result="ok",le="0.5"} 3`,
        `${name}_bucket{result="ok",le="10"} 3`,
        `${name}_bucket{result="ok",le="+Inf"} 4`,
        `${name}_sum{result="ok"} 12.444`,
        `${name}_count{result="ok"} 4`,
        `${name}_count{result="failed"} 1`,
      ]
    ) assert.ok(lines.includes(line), line);
  });

  test("leaves out what is not known", async () => {
    const text = await renderMetrics(new FakeOperator().status());
    const unknown = ["umbra_clock_skew_seconds", "process_open_fds"];
    for (const name of unknown) assert.ok(!text.includes(name), name);
  });

  test("names users up to a bound over all servers, and none beyond it", async () => {
    const of = (count: number): Status =>
      new FakeOperator()
        .withUsers(Array.from({ length: count - 1 }, (_, i) => `u${i}`))
        .withServer("8389")
        .withUsers(["last"], "8389")
        .status({ ...SCRAPED_USERS, limit: 1_000 });
    const bytes = async (status: Status): Promise<string[]> =>
      (await render(status)).filter((line) =>
        line.startsWith("umbra_bytes_total{") && line.includes('"up"')
      );
    assert.equal((await bytes(of(200))).length, 200);
    assert.deepEqual(await bytes(of(201)), [
      'umbra_bytes_total{server="8388",user="other",direction="up"} 0',
      'umbra_bytes_total{server="8389",user="other",direction="up"} 0',
    ]);
    const lowered = await renderMetrics(of(2), { maxUsers: 1 });
    assert.ok(lowered.includes('user="other"') && !lowered.includes('"last"'));
  });

  test("counts a local once, however many places it listens on", async () => {
    const operator = new FakeOperator().withServer("1081");
    operator.patch = {
      role: "local",
      traffic: { bytesUp: 5, bytesDown: 6, packetsUp: 0, packetsDown: 0 },
    };
    const lines = await render(operator.status());
    assert.deepEqual(
      lines.filter((line) => line.startsWith("umbra_bytes_total{")),
      [
        'umbra_bytes_total{server="",user="",direction="up"} 5',
        'umbra_bytes_total{server="",user="",direction="down"} 6',
      ],
    );
  });

  test("lets no name of a user forge a line", async () => {
    const operator = new FakeOperator().withUsers(['a"} 1\nforged 1\\']);
    const lines = await render(operator.status());
    assert.ok(!lines.some((line) => line.startsWith("forged")));
    assert.ok(
      lines.some((line) => line.includes('user="a\\"} 1\\nforged 1\\\\"')),
    );
  });

  test("has the type Prometheus expects", () => {
    assert.match(METRICS_CONTENT_TYPE, /^text\/plain; version=0\.0\.4/);
  });
});

async function render(status: Status): Promise<string[]> {
  return (await renderMetrics(status)).split("\n");
}
