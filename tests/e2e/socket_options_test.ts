/**
 * What operators ask of sockets, as the system sees it: marks and interfaces by
 * counters of nft, fast open and MPTCP by those of the kernel, the rest by
 * `ss`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { Namespace, NAMESPACES_SKIP as skip } from "../support/namespaces.ts";
import { ROOT } from "../support/runtimes.ts";

const OURS = ["deno", "bun"] as const;

const KEY = ["-k", "x", "-m", "aes-256-gcm", "--transport", "linux"];

/** Counts what leaves, by its mark, class and interface. */
const COUNTERS = `table inet count {
  chain out { type filter hook output priority 0;
    ip daddr 10.66.0.2 meta mark 7 ip dscp 46 oifname "wan" tcp dport 8388 counter comment "tcp"
    ip daddr 10.66.0.2 meta mark 7 ip dscp 46 oifname "wan" udp dport 8388 counter comment "udp"
    ip daddr 10.66.0.2 meta mark != 7 counter comment "unmarked"
  }
}`;

for (const runtime of OURS) {
  test(
    `${runtime}: marks, class, interface, times and buffers are the system's`,
    {
      skip,
    },
    async () => {
      using scene = new Scene();
      scene.near.run("nft -f -", COUNTERS);
      await using _target = await scene.target();
      await using _server = await scene.server(runtime);
      await using _local = await scene.local(
        runtime,
        ...["-u", "--outbound-fwmark", "7", "-i", "wan"],
        ...["--outbound-dscp", "46", "--tcp-keep-alive", "30"],
        ...["--tcp-user-timeout", "20"],
        ...["--outbound-send-buffer-size", "50000"],
      );
      assert.equal(await scene.fetch(), "hello\n");
      await scene.askDns();
      const counted = scene.near.run("nft list chain inet count out");
      const packets = (comment: string): number =>
        Number(
          new RegExp(`packets (\\d+) bytes \\d+ comment "${comment}"`)
            .exec(counted)![1],
        );
      assert.ok(packets("tcp") >= 5, counted);
      assert.ok(packets("udp") >= 1, counted);
      assert.equal(packets("unmarked"), 0, counted);
      await using _slow = await scene.fetchSlowly();
      const sockets = scene.near.run("ss -tnoem dst 10.66.0.2");
      assert.match(sockets, /timer:\(keepalive,[12]\dsec/, sockets);
      // The system doubles what it grants.
      assert.match(sockets, /\btb100000\b/, sockets);
    },
  );

  test(`${runtime}: fast open and MPTCP, as the kernel counts them`, {
    skip,
  }, async (t) => {
    using scene = new Scene();
    await using _target = await scene.target();
    await using _server = await scene.server(runtime, "--fast-open");
    {
      await using _local = await scene.local(runtime, "--fast-open");
      // The first one gets the cookie that the next ones take along.
      for (let i = 0; i < 5; i++) assert.equal(await scene.fetch(), "hello\n");
      const active = counter(scene.near.run("cat /proc/net/netstat"), {
        name: "TCPFastOpenActive",
      });
      const passive = counter(scene.far.run("cat /proc/net/netstat"), {
        name: "TCPFastOpenPassive",
      });
      assert.ok(active >= 3 && passive >= 3, `${active} ${passive}`);
    }
    const mptcp = scene.near.run("sh -c cat</proc/net/netstat");
    if (!mptcp.includes("MPTcpExt")) return t.skip("SKIPPED, needs MPTCP");
    await using _local = await scene.local(runtime, "--mptcp");
    assert.equal(await scene.fetch(), "hello\n");
    const text = scene.near.run("cat /proc/net/netstat");
    assert.ok(counter(text, { name: "MPCapableSYNTX" }) >= 1, text);
  });

  test(`${runtime}: fast open lets the target speak first, and refuse`, {
    skip,
  }, async () => {
    using scene = new Scene();
    await using _target = await scene.target();
    await using _server = await scene.server(runtime, "--fast-open");
    await using _local = await scene.local(runtime, "--fast-open");
    for (let i = 0; i < 3; i++) {
      assert.equal(await scene.hear(8_001), "speaks first\n");
    }
    // Nothing listens there: curl 52 is an empty reply, 56 and 97 a reset.
    const { code } = await scene.curl("http://10.66.0.2:9/");
    assert.notEqual(code, 0);
  });

  test(`${runtime}: what cannot be had is refused by name`, {
    skip,
  }, async () => {
    using scene = new Scene();
    for (
      const [flags, message] of [
        [["-i", "nowhere"], /outbound_bind_interface: .*nowhere: ENODEV/],
        [
          ["--outbound-fwmark", "7", "--transport", "runtime"],
          /outbound-fwmark is not supported by the runtime's sockets: use --transport linux/,
        ],
      ] as const
    ) {
      const { code, output } = await runToEnd(
        [...scene.near.under, ...local(runtime), ...flags],
        20_000,
        { cwd: ROOT },
      );
      assert.equal(code, 2, output);
      assert.match(output, message);
    }
    const { code, output } = await runToEnd(
      [
        ...scene.near.under,
        ...["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"],
        ...[...local(runtime), "--outbound-fwmark", "7"],
      ],
      20_000,
      { cwd: ROOT },
    );
    assert.equal(code, 2, output);
    assert.match(output, /outbound_fwmark: .*EPERM; give CAP_NET_ADMIN/);
  });
}

/** A client's network and a server's. */
class Scene implements Disposable {
  readonly near = new Namespace();
  readonly far = new Namespace();

  constructor() {
    this.near.join(this.far, {
      name: "wan",
      ipv4: "10.66.0.",
      ipv6: "fd66::",
    });
    this.far.run("sysctl -qw net.ipv4.tcp_fastopen=3");
  }

  /** Answers HTTP, says something first, and answers UDP. */
  target(): Promise<Program> {
    return Program.start(
      [...this.far.under, "python3", "-u", `${ROOT}/tests/e2e/plain_target.py`],
      { ready: /ready/ },
    );
  }

  server(runtime: "deno" | "bun", ...flags: string[]): Promise<Program> {
    return Program.start(
      [
        ...this.far.under,
        ...[...programCommand(runtime), "server", "-u", "-s", "10.66.0.2:8388"],
        ...["--allow-private", "all", ...KEY, ...flags],
      ],
      { ready: /listening/, cwd: ROOT },
    );
  }

  local(runtime: "deno" | "bun", ...flags: string[]): Promise<Program> {
    return Program.start(
      [...this.near.under, ...local(runtime), ...flags],
      { ready: /listening/, cwd: ROOT },
    );
  }

  async fetch(): Promise<string> {
    return (await this.curl("http://10.66.0.2:8000/")).output;
  }

  /** What a port says by itself. */
  async hear(port: number): Promise<string> {
    return (await this.curl(`telnet://10.66.0.2:${port}`)).output;
  }

  curl(url: string): Promise<{ code: number | null; output: string }> {
    const words = ["curl", "-s", "-m", "10", "--socks5", "127.0.0.1:1080", url];
    return runToEnd([...this.near.under, ...words], 20_000);
  }

  /** A connection that stays open. */
  fetchSlowly(): Promise<Program> {
    const words = ["curl", "-sN", "--socks5", "127.0.0.1:1080"];
    return Program.start(
      [...this.near.under, ...words, "http://10.66.0.2:8000/slow"],
      { ready: /begun/ },
    );
  }

  /** Sends a datagram through the local and waits for its echo. */
  async askDns(): Promise<void> {
    const { output } = await runToEnd(
      [
        ...this.near.under,
        ...["python3", `${ROOT}/tests/e2e/socks_datagram.py`],
      ],
      20_000,
    );
    assert.equal(output, "echo\n");
  }

  [Symbol.dispose](): void {
    this.near[Symbol.dispose]();
    this.far[Symbol.dispose]();
  }
}

function local(runtime: "deno" | "bun"): string[] {
  return [
    ...[...programCommand(runtime), "local", "-s", "10.66.0.2:8388"],
    ...["-l", "1080", ...KEY],
  ];
}

/** One of the kernel's counters: lines of names and of numbers take turns. */
function counter(text: string, { name }: { readonly name: string }): number {
  const lines = text.split("\n");
  for (const [i, line] of lines.entries()) {
    const at = line.split(" ").indexOf(name);
    if (at > 0) return Number(lines[i + 1]!.split(" ")[at]);
  }
  throw new Error(`No counter ${name} in ${text}`);
}
