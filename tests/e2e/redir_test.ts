/**
 * `umbra redir` in networks of its own: a LAN, the machine that redirects, and
 * the world, whose addresses nobody reaches but through the server. The rules
 * are those that `umbra redir rules` prints; ss-redir of libev is the control.
 */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import {
  activating,
  ACTIVATION_SKIP,
  activationVariables,
} from "../support/activation.ts";
import { NAMESPACES_SKIP as skip } from "../support/namespaces.ts";
import { Program, runToEnd } from "../support/process.ts";
import { programCommand } from "../support/program_command.ts";
import { ROOT } from "../support/runtimes.ts";
import { LIBEV_SKIP } from "./chain.ts";
import {
  ENDS,
  KEY,
  Scene,
  WAYS,
  WORLD_IPV4,
  WORLD_IPV6,
} from "./redir_scene.ts";

const OURS = ["deno", "bun"] as const;

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
        await using redir = await scene.redir(runtime, way);
        await scene.check();
        assert.doesNotMatch(redir.output, /defect|error/i);
        // What was meant for the port itself has no target.
        assert.notEqual(
          await scene.status(scene.lan, "http://10.77.0.1:1234/"),
          0,
        );
        await redir.waitForOutput(
          /redir port itself: its target is unknown/,
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
    const folder = mkdtempSync(join(tmpdir(), "umbra-redir-"));
    using _folder = {
      [Symbol.dispose]: () => rmSync(folder, { recursive: true }),
    };
    const config = join(folder, "config.json");
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
        fake_ip_file: join(folder, "names"),
        dns_listen: "10.77.0.1:53",
        dns_upstream: `${WORLD_IPV4}:53`,
      }),
    );
    scene.lan.ask("10.77.0.1");
    // It says that every name has this address.
    scene.far.ask("127.0.0.1");
    scene.far.run("ip address add 192.0.2.53/32 dev lo");
    await using world = await scene.world(runtime);
    scene.load(runtime, "tproxy");
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
    const dug = await lan(
      ...["dig", "+short", "+tries=2", "+time=3"],
      ...[`@${made.output.trim()}`, "www.example"],
    );
    assert.equal(dug.output, "192.0.2.53\n");
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
