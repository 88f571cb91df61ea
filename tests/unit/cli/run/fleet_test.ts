import assert from "node:assert/strict";
import { test } from "node:test";
import { Fleet, type PlannedService } from "../../../../src/cli/run/fleet.ts";
import {
  TransportError,
  type TransportErrorCode,
} from "../../../../src/errors.ts";

/** Plans by host; some hosts cannot be listened on. */
class Scene {
  readonly lines: string[] = [];
  readonly stopped: string[] = [];
  readonly broken = new Map<string, TransportErrorCode>();
  readonly fleet = new Fleet({
    logger: {
      enabled: () => true,
      log: (level, message) => this.lines.push(`${level} ${message}`),
    },
    withFields: false,
  });

  plan(host: string, becomes = host): PlannedService {
    return {
      key: host,
      listen: { host, port: 1 },
      portOption: "-p",
      check: () => {},
      start: () => {
        const code = this.broken.get(host);
        return code === undefined
          ? Promise.resolve({
            address: { host: becomes, port: 1 },
            stop: () => {
              this.stopped.push(host);
              return Promise.resolve();
            },
          })
          : Promise.reject(new TransportError(code, "no"));
      },
      describe: (address) => ({ message: `listens on ${address}`, fields: {} }),
      changesSince: () => ({ restart: false, sentences: [] }),
      adopt: () => {},
    };
  }

  apply(...hosts: string[]): Promise<void> {
    return this.fleet.apply(hosts.map((host) => this.plan(host)));
  }
}

test("Fleet warns of an address that is not there, if another one listens", async () => {
  const scene = new Scene();
  scene.broken.set("::1", "ERR_NET_ADDRESS_UNAVAILABLE");
  await scene.apply("::1", "127.0.0.1");
  assert.deepEqual(scene.lines, [
    "info listens on 127.0.0.1:1",
    "warn Cannot listen on [::1]:1: this machine does not have the address, " +
    "or no IPv6; `ip address` lists its addresses",
  ]);
  // A reload says it no more, and listens once the address is there.
  await scene.apply("::1", "127.0.0.1");
  assert.equal(scene.lines.length, 2);
  scene.broken.clear();
  await scene.apply("::1", "127.0.0.1");
  assert.equal(scene.lines.at(-1), "info listens on [::1]:1");
});

test("Fleet starts nothing, if no address is there or a port is taken", async () => {
  const scene = new Scene();
  scene.broken.set("::1", "ERR_NET_ADDRESS_UNAVAILABLE");
  await assert.rejects(scene.apply("::1"), {
    code: "ERR_NET_ADDRESS_UNAVAILABLE",
  });
  scene.broken.set("10.0.0.1", "ERR_NET_ADDRESS_IN_USE");
  await assert.rejects(scene.apply("127.0.0.1", "::1", "10.0.0.1"), {
    code: "ERR_NET_ADDRESS_IN_USE",
  });
  assert.deepEqual(scene.stopped, ["127.0.0.1"]);
  assert.deepEqual(scene.lines, []);
});

test("Fleet refuses one more address that is not there, while others listen", async () => {
  const scene = new Scene();
  await scene.apply("127.0.0.1");
  scene.broken.set("192.0.2.1", "ERR_NET_ADDRESS_UNAVAILABLE");
  await assert.rejects(scene.apply("127.0.0.1", "192.0.2.1"));
});

test("Fleet tells that :: became IPv4 only", async () => {
  const scene = new Scene();
  await scene.fleet.apply([scene.plan("::", "0.0.0.0")]);
  assert.deepEqual(scene.lines, [
    "warn this machine has no IPv6: [::]:1 is IPv4 only",
    "info listens on 0.0.0.0:1",
  ]);
});
