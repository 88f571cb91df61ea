import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { OnlineConfig } from "../../../src/codec/sip008.ts";
import { ConfigError } from "../../../src/errors.ts";
import { readList } from "../../../src/cli/online/read_list.ts";
import { seededRandom } from "../../support/bytes.ts";
import { ROOT } from "../../support/runtimes.ts";

const METHOD = "chacha20-ietf-poly1305";

function file(name: string): string {
  return readFileSync(
    join(ROOT, "tests", "data", "subscriptions", name),
    "utf8",
  );
}

function key(host: string, secret: string): {
  readonly host: string;
  readonly port: number;
  readonly method: string;
  readonly password: string;
} {
  return { host, port: 4321, method: METHOD, password: secret };
}

const SS = `
  $type: shadowsocks
  endpoint: 192.0.2.1:1
  cipher: ${METHOD}
  secret: s`;

for (
  const [name, servers] of [
    ["outline-legacy.json", [{
      ...key("192.0.2.10", "test-password"),
      port: 8388,
      prefix: "POST ",
    }]],
    ["outline-tcpudp.yaml", [{
      ...key("ss.example.test", "test-password"),
      prefix: "POST ",
    }]],
    ["outline-websocket.yaml", [{
      ...key("ws.example.test", "test-password"),
      port: 443,
      transport: {
        type: "websocket",
        url: webSocket("/secret-path/tcp"),
        udpUrl: webSocket("/secret-path/udp"),
      },
    }]],
    ["outline-multihop.yaml", [{
      ...key("exit.example.test", "exit-password"),
      through: key("entry.example.test", "entry-password"),
      udpWeight: 0,
    }]],
  ] as const
) {
  test(`readList() reads ${name}`, async () => {
    const { servers: read, warnings } = await readList(file(name));
    assert.deepEqual(read, servers);
    assert.deepEqual(warnings, name.endsWith("json") ? [] : []);
  });
}

test("readList() lets the provider speak", async () => {
  for (
    const [text, said] of [
      [file("outline-error.json"), "Your plan has ended (Renew at the office)"],
      ["error:\n  message: Closed\n", "Closed"],
      ['{"error": {"message": "a\\nb\\u202ec"}}', "a b c"],
      ['{"error": "gone"}', "gone"],
      [
        '{"error": {}, "transport": "ss://YTpi@h:1"}',
        "it has no servers for you",
      ],
    ] as const
  ) {
    await assert.rejects(readList(text), says(`the provider says: ${said}`));
  }
  const { servers } = await readList(
    '{"error": null, "transport": "ss://YTpi@h:1"}',
  );
  assert.equal(servers.length, 1);
});

test("readList() keeps TCP and UDP apart where they differ", async () => {
  const { servers } = await readList(`
transport:
  $type: tcpudp
  tcp: ${SS.replaceAll("\n", "\n  ")}
    prefix: "GET "
  udp: ${SS.replaceAll("\n", "\n  ").replace("192.0.2.1", "192.0.2.2")}
    prefix: "\\0\\0"
`);
  const { password, method } = key("", "s");
  assert.deepEqual(servers, [
    {
      host: "192.0.2.1",
      port: 1,
      method,
      password,
      prefix: "GET ",
      udpWeight: 0,
    },
    {
      ...{ host: "192.0.2.2", port: 1, method, password },
      packetPrefix: "\0\0",
      tcpWeight: 0,
    },
  ]);
});

test("readList() takes one part for both, its prefix for both too", async () => {
  const { servers } = await readList(`transport:${SS}\n  prefix: "\\u00ff"`);
  assert.deepEqual(servers, [{
    ...{ host: "192.0.2.1", port: 1, method: METHOD, password: "s" },
    prefix: "\u00ff",
    packetPrefix: "\u00ff",
  }]);
});

test("readList() takes the first of what it knows", async () => {
  const { servers } = await readList(`
transport:
  $type: tcpudp
  tcp:
    $type: first-supported
    options:
      - $type: quic
      - $type: shadowsocks
        endpoint:
          $type: first-supported
          options:
            - $type: new
            - $type: websocket
              url: wss://example.test/p
              endpoint: 192.0.2.9:444
        cipher: ${METHOD}
        secret: s
`);
  assert.deepEqual(servers, [{
    ...{ host: "192.0.2.9", port: 444, method: METHOD, password: "s" },
    transport: {
      type: "websocket",
      url: { isTls: true, host: "example.test", port: 443, path: "/p" },
    },
    udpWeight: 0,
  }]);
});

test("readList() names what it leaves out", async () => {
  const both = (tcp: string): string =>
    JSON.stringify({
      transport: {
        $type: "tcpudp",
        tcp: JSON.parse(tcp),
        udp: "ss://YTpi@h:1",
      },
    });
  for (
    const [tcp, why] of [
      ['{"$type": "iptable", "table": []}', "$type iptable is not supported"],
      ['{"$type": "block"}', "$type block is not supported"],
      ["5", "a part is not an object"],
      [
        '"ss://"',
        "Not a valid ss:// URI: the user info is neither " +
        "METHOD:PASSWORD nor base64 of it",
      ],
      ['{"secret": "s", "endpoint": "h:1"}', '"cipher" is not text'],
      ['{"cipher": "c", "endpoint": "h:1"}', '"secret" is not text'],
      ['{"cipher": "c", "secret": "s"}', '"endpoint" is not HOST:PORT'],
      [
        '{"cipher": "c", "secret": "s", "endpoint": "h:0"}',
        '"endpoint" is not HOST:PORT',
      ],
      [
        '{"cipher": "c", "secret": "s", "endpoint": {"$type": "dial"}}',
        '"address" is not HOST:PORT',
      ],
      [
        '{"cipher": "c", "secret": "s", "endpoint": {"$type": "websocket", "url": "https://h/"}}',
        '"url" is not wss://HOST/PATH',
      ],
      ['{"$type": "first-supported"}', '"options" is not a list'],
      [
        '{"$type": "first-supported", "options": [{"$type": "a"}, {"$type": "a"}]}',
        "$type a is not supported",
      ],
    ] as const
  ) {
    const { servers, warnings } = await readList(both(tcp));
    assert.deepEqual(servers.map(({ host }) => host), ["h"], tcp);
    assert.deepEqual(warnings, [`tcp is left out: ${why}`]);
  }
});

test("readList() refuses what is too much, and quotes nothing of it", async () => {
  let bomb = "a0: &a0 [secret, secret]\n";
  for (let i = 1; i < 9; i++) {
    bomb += `a${i}: &a${i} [${`*a${i - 1}, `.repeat(9)}]\n`;
  }
  const texts = [
    `${bomb}transport: *a8`,
    `transport: ${"[".repeat(50_000)}`,
    `transport: ${'{"$type": "first-supported", "options": ['.repeat(20)}`,
    `transport: secret\n${"#".repeat(65_536)}`,
    "transport: *secret",
    "transport: secret: secret",
    'transport: "secret',
    "transport:\n\tsecret",
    "transport: !!js/function secret",
    `transport: ${JSON.stringify(nested(50))}`,
  ];
  for (const text of texts) {
    await assert.rejects(readList(text), (error) => {
      assert.ok(error instanceof ConfigError, String(error));
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
  }
});

test("readList() answers whatever is published with a list or its own error", async () => {
  const seeds = [
    ...[
      "outline-tcpudp.yaml",
      "outline-websocket.yaml",
      "outline-multihop.yaml",
    ]
      .map(file),
    file("outline-error.json"),
  ];
  const random = seededRandom(14);
  const below = (n: number): number => random() % n;
  for (let i = 0; i < 2_000; i++) {
    let text = seeds[below(seeds.length)]!;
    for (let j = below(4); j >= 0; j--) {
      const at = below(text.length);
      const more = [
        "",
        ":",
        "- ",
        "&a",
        "*shared",
        "{",
        "\n",
        "null",
        "$type",
        "\u0000",
      ];
      text = text.slice(0, at) + more[below(more.length)] +
        text.slice(at + below(6));
    }
    try {
      const { servers }: OnlineConfig = await readList(text);
      assert.ok(servers.length > 0);
    } catch (error) {
      assert.ok(error instanceof ConfigError, `${error}\n${text}`);
    }
  }
});

function nested(depth: number): unknown {
  return depth === 0
    ? "ss://YTpi@h:1"
    : { $type: "first-supported", options: [nested(depth - 1)] };
}

function webSocket(path: string): Record<string, unknown> {
  return { isTls: true, host: "ws.example.test", port: 443, path };
}

function says(message: string): (error: unknown) => boolean {
  return (error) => {
    assert.equal((error as Error).message, message);
    return error instanceof ConfigError;
  };
}
