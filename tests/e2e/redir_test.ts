/**
 * `umbra redir` in networks of its own: a LAN, the machine that redirects, and
 * the world, whose addresses are reachable only through the server. The rules
 * are those that `umbra redir rules` prints; ss-redir of libev is the control.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import {
  activating,
  ACTIVATION_SKIP,
  activationVariables,
} from "../support/activation.ts";
import { Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { ROOT } from "../support/runtimes.ts";
import { LIBEV_SKIP } from "./chain.ts";
import {
  AS_NOBODY,
  ENDS,
  KEY,
  Scene,
  SCENE_SKIP as skip,
  WAYS,
  WORLD_IPV4,
  WORLD_IPV6,
} from "./redir_scene.ts";

const OURS = ["deno", "bun"] as const;

/** Sends a datagram to UDP port 8000 of a host, and prints the answer. */
const ASK_UDP = [
  "import socket, sys",
  "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
  "s.settimeout(5)",
  "s.connect((sys.argv[1], 8000))",
  "s.send(b'hello')",
  "print(s.recv(100).decode())",
].join("\n");

const folder = mkdtempSync(join(tmpdir(), "umbra-redir-"));
after(() => rmSync(folder, { recursive: true, force: true }));

/** A rule on a name, for connections that have nothing but an address. */
const NAME_RULE = join(folder, "name_rule.json");
writeFileSync(
  NAME_RULE,
  JSON.stringify({ routes: [{ domain: "blocked.test", to: "block" }] }),
);

for (const runtime of OURS) {
  for (const way of WAYS) {
    test(
      `${runtime}: TCP by ${way} and UDP, IPv4 and IPv6, of a LAN and its own`,
      {
        skip,
      },
      async () => {
        using scene = new Scene();
        await using _world = await scene.world(runtime);
        scene.load(runtime, way);
        await using redir = await scene.redir(
          runtime,
          way,
          ...["-c", NAME_RULE, "--log-connections"],
        );
        await scene.check();
        await scene.checkNames(redir);
        assert.doesNotMatch(redir.output, /defect|error/i);
        // What was meant for the port itself has no target.
        assert.notEqual(
          await scene.status(scene.lan, "http://10.77.0.1:1234/"),
          0,
        );
        await redir.waitForOutput(
          /not redirected: its target is unknown/,
          5_000,
        );
      },
    );
  }

  test(`${runtime}: a thousand connections are redirected at once`, {
    skip,
  }, async () => {
    using scene = new Scene();
    await using _world = await scene.world(runtime);
    scene.load(runtime, "tproxy");
    await using _redir = await scene.redir(runtime, "tproxy");
    const { output } = await runToEnd(
      [
        ...scene.lan.under,
        ...["python3", `${ROOT}/tests/e2e/many_connections.py`],
        ...[WORLD_IPV4, "1000"],
      ],
      60_000,
    );
    assert.equal(output, "1000\n");
  });

  test(`${runtime}: the server sees the name that an address was made up for`, {
    skip,
  }, async () => {
    using scene = new Scene();
    const config = join(folder, `${runtime}.json`);
    writeFileSync(
      config,
      JSON.stringify({
        ...{ server: "10.66.0.2", server_port: 8388, password: "x" },
        method: "aes-256-gcm",
        // As sslocal of rust has it.
        locals: [
          { local_address: "127.0.0.1", local_port: 1080, protocol: "socks" },
          {
            ...{ local_address: "::", local_port: 1234, protocol: "redir" },
            ...{ mode: "tcp_and_udp", tcp_redir: "tproxy" },
          },
        ],
        fake_ip: true,
        fake_ip_file: join(folder, `${runtime}.names`),
        dns_listen: "[::]:5353",
        dns_upstream: `${WORLD_IPV4}:53`,
      }),
    );
    // A resolver that is nowhere: its questions are redirected.
    scene.lan.ask("192.168.9.9");
    // It says that every name has this address.
    scene.far.ask("127.0.0.1");
    scene.far.run("ip address add 192.0.2.53/32 dev lo");
    await using world = await scene.world(runtime);
    scene.load(
      runtime,
      "tproxy",
      ...["--with-dns", "--dns-listen", "[::]:5353"],
    );
    await using _local = await Program.start(
      [
        ...[...scene.near.under, ...programCommand(runtime)],
        ...["local", "-c", config],
      ],
      { ready: /ss-redir listening/, cwd: ROOT },
    );
    const lan = (...words: string[]): Promise<{ output: string }> =>
      runToEnd([...scene.lan.under, ...words], 20_000);
    const url = "http://www.name.test:8000/who";
    const fetched = await lan("curl", "-s4m", "10", url);
    assert.equal(fetched.output, "192.0.2.53");
    await world.server.waitForOutput(/target=www\.name\.test:8000/, 5_000);
    const made = await lan("dig", "+short", "udp.name.test");
    assert.match(made.output, /^198\.18\.0\.\d+\n$/);
    const own = await runToEnd(
      [
        ...[...scene.near.under, ...AS_NOBODY, "dig", "+short"],
        ...["+tcp", "@192.168.9.9", "own.name.test"],
      ],
      20_000,
    );
    assert.match(own.output, /^198\.18\.0\.\d+\n$/);
    // A connected socket takes an answer from the asked address alone.
    const answered = await lan(
      ...["python3", "-c", ASK_UDP, made.output.trim()],
    );
    assert.equal(answered.output, "hello\n");
  });

  test(
    `${runtime}: a transparent socket that is inherited needs no privilege`,
    {
      skip: skip || ACTIVATION_SKIP,
    },
    async () => {
      using scene = new Scene();
      await using _world = await scene.world(runtime);
      scene.load(runtime, "tproxy");
      const sockets = [
        { network: "tcp", host: "0.0.0.0", port: 1234, transparent: true },
      ] as const;
      await using _redir = await Program.start(
        [
          ...[...scene.near.under, ...activating(sockets)],
          ...["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"],
          ...programCommand(runtime, activationVariables(sockets)),
          ...["redir", "-T", "-b", "0.0.0.0", ...ENDS],
        ],
        { ready: /ss-redir listening/, cwd: ROOT },
      );
      const url = `http://${WORLD_IPV4}:8000/who`;
      const { output } = await runToEnd(
        [...scene.lan.under, "curl", "-sm", "10", url],
        20_000,
      );
      assert.equal(output, WORLD_IPV4);
    },
  );

  test(
    `${runtime}: the rules are removed as they were printed, and need no more`,
    {
      skip,
    },
    () => {
      using scene = new Scene();
      scene.load(runtime, "tproxy");
      assert.match(scene.near.run("nft list tables"), /umbra_redir/);
      for (
        const line of scene.rules(runtime, "tproxy", "--remove").split("\n")
      ) {
        if (line !== "") scene.near.run(line);
      }
      assert.equal(scene.near.run("nft list tables"), "");
      assert.doesNotMatch(scene.near.run("ip rule"), /fwmark/);
      assert.doesNotMatch(scene.near.run("ip -6 rule"), /fwmark/);
    },
  );

  test(`${runtime}: TPROXY without privilege says what to give`, {
    skip,
  }, async () => {
    using scene = new Scene();
    const { code, output } = await runToEnd(
      [
        ...scene.near.under,
        ...["setpriv", "--bounding-set", "-all", "--inh-caps", "-all"],
        ...[...programCommand(runtime), "redir", "-T", ...ENDS],
      ],
      20_000,
      { cwd: ROOT },
    );
    assert.equal(code, 1, output);
    assert.match(output, /TPROXY needs CAP_NET_RAW: setcap cap_net_raw\+ep/);
  });
}

for (const way of WAYS) {
  test(`libev's ss-redir passes the same by ${way}`, {
    skip: skip || LIBEV_SKIP,
  }, async () => {
    using scene = new Scene();
    await using _world = await scene.world("deno");
    scene.load("deno", way);
    // One of its sockets serves UDP of one family.
    for (
      const [host, worlds] of [["0.0.0.0", [WORLD_IPV4]], ["::", [
        WORLD_IPV6,
      ]]] as const
    ) {
      await using _redir = await Program.start(
        [
          ...[...scene.near.under, "ss-redir", "-s", "10.66.0.2", "-p", "8388"],
          ...["-b", host, "-l", "1234", "-u", ...KEY],
          ...way === "tproxy" ? ["-T"] : [],
        ],
        { ready: /listening/ },
      );
      await scene.check(worlds);
    }
  });
}
