/**
 * The status of a sample local that never ran: servers, rules, a DNS inbound,
 * and the latest connections.
 *
 * @module
 */
import type {
  Status,
  UpstreamStatus,
  UserPage,
} from "../../src/admin/operator.ts";
import type { RecentRequest } from "../../src/admin/recent_requests.ts";
import { NO_TOTALS } from "../../src/admin/user_page.ts";
import { SAMPLE_STARTED_UNIX_MS, SampleProgram } from "./sample_status.ts";

/** A sample local. */
export class SampleLocal extends SampleProgram {
  /** Servers; the last one was added at run time. */
  upstreams: UpstreamStatus[] = [
    upstream("Frankfurt", { selected: true, open: 14, bytesDown: 81e9 }),
    upstream("Helsinki", { open: 2, bytesDown: 9e9 }),
    upstream("Osaka", { down: true }),
    { ...upstream("Spare", { disabled: true }), added: true },
  ];

  constructor() {
    super({ users: 0 });
  }

  override status(page?: UserPage): Status {
    const status = super.status(page);
    const { nowUnixMs } = status;
    return {
      ...status,
      role: "local",
      users: NO_TOTALS,
      refusals: {
        ERR_NET_REFUSED: 31,
        ERR_ROUTE_BLOCKED: 212,
        ERR_NET_TIMEOUT: 8,
      },
      recentRefusals: { ERR_ROUTE_BLOCKED: 4 },
      servers: [{
        ...status.servers[0]!,
        id: "1080",
        address: "127.0.0.1:1080",
        userCount: 0,
        users: [],
      }],
      upstreams: this.upstreams,
      ruleSets: [
        {
          ...{ name: "near", source: "/etc/umbra/near.txt", rules: 1_204 },
          ...{ bytes: 61_440, changedUnixMs: nowUnixMs - 12 * 86_400_000 },
        },
        {
          ...{ name: "ads", source: "lists.example", rules: 92_311 },
          ...{ bytes: 3_400_000, changedUnixMs: nowUnixMs - 90_000_000 },
          ...{ lookedUnixMs: nowUnixMs - 4_000_000, isStale: true },
        },
        {
          ...{ name: "geoip_file", source: "/var/lib/umbra/geo.mmdb" },
          ...{ bytes: 9_100_000, changedUnixMs: nowUnixMs - 40_000_000 },
        },
      ],
      dns: {
        address: "127.0.0.1:5353",
        ways: [
          {
            ...{ way: "proxy", resolver: "https://dns.example/query" },
            ...{ asked: 18_204, cached: 11_860, failed: 3 },
            lastErrorCode: "ERR_NET_TIMEOUT",
          },
          {
            ...{ way: "direct", resolver: "192.168.1.1:53" },
            ...{ asked: 4_020, cached: 3_011, failed: 0 },
          },
        ],
        answers: 812,
        names: 640,
        madeUp: 55,
      },
      plugins: [{
        name: "obfs-local",
        server: "Helsinki",
        state: "ready",
        sinceUnixMs: nowUnixMs - 7_300_000,
        restarts: 1,
        lastEnd: "exit code 1",
      }],
    };
  }

  /** The answer to `GET /api/connections`. */
  requests(): RecentRequest[] {
    const { nowUnixMs } = this.status();
    return Array.from({ length: 40 }, (_, i): RecentRequest => {
      const [target, way, server, code] = TARGETS[i % TARGETS.length]!;
      const durationMs = i < 3 ? undefined : 40 + i * 317 % 9_000;
      return {
        ...{ id: 40 - i, startedUnixMs: nowUnixMs - i * 2_700, target, way },
        client: "127.0.0.1",
        ...server !== "" && { server },
        ...code !== "" && { code },
        ...durationMs !== undefined && { durationMs },
        bytesUp: code === "" ? 900 + i * 37 : 0,
        bytesDown: code === "" ? 12_000 + i * i * 4_111 : 0,
      };
    });
  }
}

const TARGETS = [
  ["www.wikipedia.example:443", "proxy: the rest", "Frankfurt", ""],
  [
    "intranet.near.example:443",
    'direct: routes[1] domain_suffix "near.example" (near:17)',
    "",
    "",
  ],
  [
    "tracker.ads.example:443",
    'block: routes[0] domain_suffix "ads.example" (ads:40233)',
    "",
    "ERR_ROUTE_BLOCKED",
  ],
  ["[2001:db8::7]:443", "proxy: the rest", "Helsinki", ""],
  ["video.example:443", "proxy: the rest", "Frankfurt", ""],
  ["old.example:8080", "proxy: the rest", "Frankfurt", "ERR_NET_UNANSWERED"],
] as const;

const NO_TIMES = { counts: [], sumMs: 0 };

function upstream(
  name: string,
  { selected = false, disabled = false, down = false, open = 0, bytesDown = 0 }:
    {
      readonly selected?: boolean;
      readonly disabled?: boolean;
      readonly down?: boolean;
      readonly open?: number;
      readonly bytesDown?: number;
    },
): UpstreamStatus {
  const state = disabled ? "disabled" : down ? "down" : "up";
  const health = { state, failureRate: 0, sinceUnixMs: 0 } as const;
  return {
    ...{ name, selected, disabled, open, bytesDown },
    address: `${name.toLowerCase()}.example:8388`,
    method: "2022-blake3-aes-256-gcm",
    tcpWeight: 1,
    udpWeight: 1,
    tcp: {
      ...health,
      ...down && {
        lastErrorCode: "ERR_NET_TIMEOUT",
        nextTryUnixMs: SAMPLE_STARTED_UNIX_MS + 3.2 * 86_400_000 + 240_000,
      },
      connectMs: 40 + name.length * 7,
    },
    udp: health,
    pinned: false,
    bytesUp: bytesDown / 9,
    connects: NO_TIMES,
    results: {},
    probes: {},
    switches: {},
  };
}
