import assert from "node:assert/strict";
import { describe, test } from "node:test";
import {
  type LogPrivacy,
  privateLogger,
} from "../../../src/cli/log/log_privacy.ts";
import type { LogFields, Logger } from "../../../src/observe.ts";
import { systemRandomBytes } from "../../../src/random.ts";

/** What services say of a connection that failed. */
const FAILED: LogFields = {
  client: "192.0.2.1",
  user: "alice",
  target: "secret.example:443",
  route: 'direct: [bypass_list] domain "secret.example" (x.acl:3)',
  code: "ERR_NET_REFUSED",
  reason: "Cannot connect to 198.51.100.7 port 443: refused",
};

describe("privateLogger()", () => {
  test("changes nothing, when privacy is full", () => {
    const { logger, lines } = start("full");
    logger.log("info", "connection failed", FAILED);
    assert.deepEqual(lines, [FAILED]);
  });

  for (const privacy of ["hashed", "none"] as const) {
    test(`lets neither name nor address of a target through, when it is ${privacy}`, () => {
      const { logger, lines } = start(privacy);
      logger.log("info", "connection failed", FAILED);
      logger.log("info", "connection failed", {
        ...FAILED,
        code: "ERR_POLICY_TARGET",
        reason: "Cannot dial secret.example: its address is private",
      });
      // An application that has not said where it wants to go.
      const { target: _, ...early } = FAILED;
      logger.log("debug", "datagram dropped", early);
      const written = JSON.stringify(lines);
      assert.ok(!/secret|198\.51/.test(written), written);
      for (const line of lines) {
        assert.equal(line["client"], "192.0.2.1");
        assert.equal(line["user"], "alice");
        assert.equal(line["route"], "direct");
      }
      assert.equal(lines[0]!["code"], "ERR_NET_REFUSED");
      // Nor is the operator left without advice.
      assert.match(
        String(lines[1]!["reason"]),
        /Give --allow-private to allow it/,
      );
    });

    test(`leaves what is of no target as it is, when it is ${privacy}`, () => {
      const { logger, lines } = start(privacy);
      const kept = [
        {
          client: "192.0.2.1",
          code: "ERR_SS_TIMESTAMP",
          reason: "90 s behind",
        },
        { client: "192.0.2.1", reason: "done", target: undefined },
        { code: "ERR_NET_DESCRIPTORS", reason: "none is left" },
      ];
      for (const fields of kept) logger.log("warn", "x", fields);
      assert.deepEqual(
        JSON.parse(JSON.stringify(lines)),
        JSON.parse(
          JSON.stringify(kept),
        ),
      );
    });
  }

  test("tells equal hosts by the same word, and no others", () => {
    const { logger, lines } = start("hashed");
    const targets = [
      ...["a.example:443", "A.example:443", "a.example:80", "b.example:443"],
      "[2001:db8::1]:443",
    ];
    for (const target of targets) logger.log("info", "x", { target });
    const shown = lines.map(({ target }) => String(target));
    for (const one of shown) assert.match(one, /^~[0-9a-f]{12}:(443|80)$/);
    assert.equal(shown[0], shown[1]);
    assert.equal(shown[0]!.split(":")[0], shown[2]!.split(":")[0]);
    assert.equal(new Set(shown.map((one) => one.split(":")[0])).size, 3);
  });

  test("uses other words in another run", () => {
    const [one, two] = [start("hashed"), start("hashed")];
    for (const { logger } of [one, two]) {
      logger.log("info", "x", { target: "a.example:443" });
    }
    assert.notDeepEqual(one.lines, two.lines);
  });
});

function start(privacy: LogPrivacy): { logger: Logger; lines: LogFields[] } {
  const lines: LogFields[] = [];
  const logger = privateLogger(
    {
      enabled: () => true,
      log: (_level, _message, fields = {}) => lines.push(fields),
    },
    privacy,
    systemRandomBytes,
  );
  return { logger, lines };
}
