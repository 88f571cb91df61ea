/**
 * A panel of the V2Board family for its nodes: users, a count of the reported
 * traffic, and every way in which an answer can be missing.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { concat } from "../../src/bytes.ts";
import { HttpHeadReader, parseRequestHead } from "../../src/codec/http_head.ts";
import type { Connection, Transport } from "../../src/transport.ts";
import { utf8 } from "./bytes.ts";

/** The outcome of a request. */
export type Fate =
  | "answers"
  /** A proxy answers with this status; the panel does not get the request. */
  | { readonly status: number }
  /** The panel accepts the request, and answers with this status. */
  | { readonly taken: number }
  /** The panel accepts the request, and the connection ends without a byte. */
  | "taken and cut"
  /** The panel accepts the request, and never answers. */
  | "taken and silent"
  /** The body of an answer with status 200. */
  | { readonly body: string };

/** A received request. */
export interface PanelRequest {
  readonly method: string;
  readonly url: URL;
  readonly tag: string | undefined;
  readonly body: string;
}

/** A user of the panel. */
export interface FakeUser {
  readonly id: number;
  readonly uuid: string;
  readonly "speed_limit"?: number | null;
  readonly "device_limit"?: number | null;
}

/** The settings of a 2022 node, unless a test changes them. */
export const PANEL_NODE = {
  "protocol": "shadowsocks",
  "listen_ip": "0.0.0.0",
  "server_port": 8388,
  "network": null,
  "networkSettings": null,
  "cipher": "2022-blake3-aes-256-gcm",
  "plugin": null,
  "plugin_opts": null,
  "server_key": "YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY=",
  "base_config": { "push_interval": 60, "pull_interval": "60" },
};

/** The panel. */
export class FakePanel {
  readonly token = "node-token";
  node: object = PANEL_NODE;
  users: readonly FakeUser[] = [];
  /** Billed bytes by user, the sum of all reports. */
  readonly billed: Map<string, [number, number]> = new Map();
  /** The last report of connected users. */
  alive: Record<string, readonly string[]> = {};
  /** Devices of users on other nodes. */
  elsewhere: Record<string, number> = {};
  /** The outcome of requests, by the last part of their path. */
  readonly fates: Map<string, Fate> = new Map();
  readonly requests: PanelRequest[] = [];

  /** Returns the requests of one kind. */
  asked(action: string): PanelRequest[] {
    return this.requests.filter(({ url }) => url.pathname.endsWith(action));
  }

  /** @returns `undefined` to end the connection; `"silent"` for no answer. */
  serve(
    request: PanelRequest,
  ): { status: number; tag?: string; body: string } | undefined | "silent" {
    this.requests.push(request);
    const action = request.url.pathname.split("/").at(-1)!;
    const fate = this.fates.get(action) ?? "answers";
    if (typeof fate === "object" && "status" in fate) {
      return { status: fate.status, body: "<html>proxy</html>" };
    }
    if (typeof fate === "object" && "body" in fate) {
      return { status: 200, body: fate.body };
    }
    const { searchParams } = request.url;
    const isRight = searchParams.get("token") === this.token &&
      searchParams.get("node_type") === "shadowsocks" &&
      searchParams.get("node_id") === "7";
    if (!isRight) return { status: 422, body: '{"message":"invalid"}' };
    const told = this.#do(action, request.body);
    if (fate === "taken and cut") return undefined;
    if (fate === "taken and silent") return "silent";
    if (fate !== "answers") return { status: fate.taken, body: "" };
    const body = JSON.stringify(told);
    const tag = `"${createHash("sha1").update(body).digest("hex")}"`;
    return request.method === "GET" && request.tag === tag
      ? { status: 304, tag, body: "" }
      : { status: 200, tag, body };
  }

  #do(action: string, body: string): unknown {
    switch (action) {
      case "config":
        return this.node;
      case "user":
        return { users: this.users };
      case "push":
        this.#bill(JSON.parse(body));
        return { status: "success", data: true };
      case "alive":
        this.alive = JSON.parse(body);
        return { data: true };
      default:
        return { alive: this.#aliveList() };
    }
  }

  #bill(traffic: Record<string, unknown>): void {
    for (const [id, both] of Object.entries(traffic)) {
      if (!Array.isArray(both) || both.length !== 2) continue;
      const [up, down] = this.billed.get(id) ?? [0, 0];
      this.billed.set(id, [up + both[0], down + both[1]]);
    }
  }

  /** PHP writes an empty object as a list. */
  #aliveList(): unknown {
    const counts: Record<string, number> = { ...this.elsewhere };
    for (const [id, places] of Object.entries(this.alive)) {
      counts[id] = (counts[id] ?? 0) + places.length;
    }
    return Object.keys(counts).length === 0 ? [] : counts;
  }

  /** Listens in a memory network. */
  async listenIn(
    network: Transport,
    at: { readonly host: string; readonly port: number },
  ): Promise<void> {
    const listener = await network.listen(at);
    const accept = async (): Promise<void> => {
      for (;;) {
        const accepted = await listener.accept();
        if (accepted === undefined) return;
        // An aborted connection ends with an error here.
        this.#speak(accepted.connection).catch(() => {});
      }
    };
    accept().catch(() => {});
  }

  async #speak(connection: Connection): Promise<void> {
    const reader = connection.readable.getReader();
    const heads = new HttpHeadReader();
    let lines: string[] | undefined;
    while ((lines = heads.next()) === undefined) {
      const { value } = await reader.read();
      if (value === undefined) return;
      heads.push(value);
    }
    const { method, target, fields } = parseRequestHead(lines);
    const field = (name: string): string | undefined =>
      fields.find(([one]) => one.toLowerCase() === name)?.[1];
    let body = heads.takeRest();
    while (body.length < Number(field("content-length") ?? 0)) {
      const { value } = await reader.read();
      if (value === undefined) return;
      body = concat(body, value);
    }
    const answer = this.serve({
      method,
      url: new URL(target, "http://panel"),
      tag: field("if-none-match"),
      body: new TextDecoder().decode(body),
    });
    if (answer === "silent") return;
    if (answer !== undefined) {
      const { status, tag, body: text } = answer;
      const content = utf8(text);
      await connection.writable.getWriter().write(concat(
        utf8(
          `HTTP/1.1 ${status} -\r\n` +
            (tag === undefined ? "" : `ETag: ${tag}\r\n`) +
            `Content-Length: ${content.length}\r\n\r\n`,
        ),
        content,
      ));
    }
    connection.close();
  }

  /** Listens on a port of this machine. */
  async listen(): Promise<{ url: string } & AsyncDisposable> {
    const server = createServer((request, response) => {
      const parts: Uint8Array[] = [];
      request.on("data", (part: Uint8Array) => parts.push(part));
      request.on("end", () => {
        const answer = this.serve({
          method: request.method!,
          url: new URL(request.url!, "http://panel"),
          tag: request.headers["if-none-match"],
          body: new TextDecoder().decode(concat(...parts)),
        });
        if (answer === "silent") return;
        if (answer === undefined) {
          request.socket.destroy();
          return;
        }
        response.statusCode = answer.status;
        if (answer.tag !== undefined) response.setHeader("etag", answer.tag);
        response.end(answer.body);
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    return {
      url: `http://127.0.0.1:${port}`,
      [Symbol.asyncDispose]: async (): Promise<void> => {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      },
    };
  }
}

/** Returns a UUID for each number. */
export function uuidOf(id: number): string {
  const digits = createHash("sha256").update(`uuid ${id}`).digest("hex");
  return [
    digits.slice(0, 8),
    digits.slice(8, 12),
    `4${digits.slice(13, 16)}`,
    `a${digits.slice(17, 20)}`,
    digits.slice(20, 32),
  ].join("-");
}
