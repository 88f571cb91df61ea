/**
 * Serves the dashboard as the operator's port does, over an API that changes
 * a {@link SampleProgram}.
 *
 * @module
 */
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import type { Minute } from "../../src/minutes.ts";
import {
  type NewUser,
  NO_RATE,
  type ReloadReport,
} from "../../src/admin/operator.ts";
import type { AdminPage } from "../../src/admin/admin_handler.ts";
import { dashboardPage } from "../../src/admin/dashboard_page.ts";
import { readPage } from "../../src/admin/user_page.ts";
import { SampleLocal } from "./sample_local.ts";
import { NOTHING, type SampleProgram } from "./sample_status.ts";

/** The behaviour of the site. */
export interface SiteOptions {
  readonly program: SampleProgram;
  /** The token; not set if none is required. */
  readonly token?: string;
  /** The page; default: the real one. */
  readonly page?: AdminPage;
  /** The report of a reload. */
  readonly report?: ReloadReport;
  /** False for a local that does not keep targets; default true. */
  readonly keepsTargets?: boolean;
  /** Path of a unix socket, used instead of a port. */
  readonly path?: string;
  /** Draws the QR code of a URI. */
  readonly qr?: (uri: string) => string;
}

/** A port of 127.0.0.1 that serves the page. */
export class DashboardSite implements AsyncDisposable {
  /** Requested changes, as `METHOD /path body`. */
  readonly changes: string[] = [];
  /** While true, no request is answered. */
  silent = false;
  readonly #server: Server;
  readonly #options: SiteOptions;

  private constructor(options: SiteOptions) {
    this.#options = { keepsTargets: true, ...options };
    this.#server = createServer((request, response) => {
      this.#answer(request, response);
    });
  }

  /** Starts the site on a port that the system chooses. */
  static async start(options: SiteOptions): Promise<DashboardSite> {
    const site = new DashboardSite(options);
    const { path } = options;
    await new Promise<void>((resolve) => {
      if (path !== undefined) site.#server.listen(path, resolve);
      else site.#server.listen(0, "127.0.0.1", resolve);
    });
    return site;
  }

  /** URL of the page, for a site on a port. */
  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `http://127.0.0.1:${port}/`;
  }

  /** Stops the site and closes its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #answer(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const { page = dashboardPage, token } = this.#options;
    if (request.url === "/") {
      response.setHeader("content-type", "text/html; charset=utf-8");
      response.setHeader("content-security-policy", page.csp);
      response.end(page.html);
      return;
    }
    let body = "";
    for await (const part of request) body += part;
    if (this.silent) return void request.socket.destroy();
    const right = token === undefined ||
      request.headers.authorization === `Bearer ${token}`;
    const [status, value] = right
      ? this.#api(request.method!, request.url!, body)
      : [401, { error: "A token is required" }];
    response.statusCode = status;
    response.setHeader("content-type", "application/json");
    response.end(value === undefined ? undefined : JSON.stringify(value));
  }

  #api(method: string, url: string, body: string): [number, unknown?] {
    const { program, report = { changes: [], warnings: [] } } = this.#options;
    const { pathname, searchParams } = new URL(url, "http://localhost");
    if (pathname === "/api/status") {
      program.tick();
      return [200, program.status(readPage(searchParams))];
    }
    if (url === "/api/history") {
      return [200, { minutes: sampleMinutes(program.status().nowUnixMs) }];
    }
    if (url === "/api/connections") {
      return program instanceof SampleLocal && this.#options.keepsTargets
        ? [200, { connections: program.requests() }]
        : [404, { error: "Targets are kept only with …" }];
    }
    if (method !== "GET") {
      this.changes.push(`${method} ${url} ${body}`.trimEnd());
    }
    if (url.startsWith("/api/reload")) return [200, report];
    if (url.startsWith("/api/upstreams")) return this.#upstreams(method, body);
    const [, server, name, more] =
      /^\/api\/servers\/(\w+)\/users(?:\/([^/]+)(\/uri)?)?$/.exec(url) ?? [];
    if (server === undefined) return [404, { error: "Not found" }];
    return this.#users(method, body, decodeURIComponent(name ?? ""), more);
  }

  #upstreams(method: string, body: string): [number, unknown?] {
    const { program } = this.#options;
    if (!(program instanceof SampleLocal)) return [404, { error: "None" }];
    if (method === "DELETE") {
      program.upstreams.pop();
      return [204];
    }
    const { link = "" } = JSON.parse(body || "{}");
    if (!link.startsWith("ss://")) {
      return [400, { error: "The text is not the link of a server" }];
    }
    const added = {
      ...program.upstreams[1]!,
      name: "New",
      added: true,
    } as const;
    program.upstreams.push(added);
    return [201, added];
  }

  #users(
    method: string,
    body: string,
    name: string,
    more: string | undefined,
  ): [number, unknown?] {
    const { program, qr = () => SQUARE } = this.#options;
    const { users } = program.status().servers[0]!;
    const user = users.find((one) => one.name === name);
    if (method === "POST") {
      const added: NewUser = JSON.parse(body);
      if (users.some((one) => one.name === added.name)) {
        return [400, { error: `User ${added.name} already exists` }];
      }
      const { limits = {} } = added;
      program.put(added.name, {
        name: added.name,
        origin: "api",
        disabled: false,
        limits,
        usage: NOTHING,
        rate: NO_RATE,
      });
      return [201, {}];
    }
    if (user === undefined) return [404, { error: "The user does not exist" }];
    if (more !== undefined) {
      const uri = `ss://2022-blake3-aes-256-gcm:` +
        `YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D:` +
        `3hFq1cT9sVbN0kLx5gRz8wJm2yPa7dUe4oIiCtHuQnE%3D` +
        `@192.0.2.7:8388#${encodeURIComponent(name)}`;
      const invite = "https://proxy.example/invite/5Jk2pQ9sXw";
      return [200, { uri, sip008: "/sip008/5Jk2pQ9sXw", invite, qr: qr(uri) }];
    }
    if (method === "GET") return [200, user];
    if (method === "DELETE") {
      program.put(name);
      return [204];
    }
    const change = JSON.parse(body);
    program.put(name, { ...user, ...change });
    return [200, {}];
  }
}

const SQUARE = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">` +
  `<path d="M2 2h4v4H2z"/></svg>`;

/** A sample day: a quiet night, with probes at three o'clock. */
function sampleMinutes(nowUnixMs: number): Minute[] {
  return Array.from({ length: 1_440 }, (_, i) => {
    const wave = Math.max(0.04, Math.sin(i / 1_440 * Math.PI * 2 - 0.6) + 0.3);
    const knocks = i > 880 && i < 900;
    return {
      unixMs: nowUnixMs - (1_440 - i) * 60_000,
      bytesDown: Math.round(9e8 * wave * (0.8 + 0.2 * Math.sin(i * 1.7))),
      bytesUp: Math.round(1.2e8 * wave),
      open: Math.round(40 * wave),
      refusals: knocks ? { ERR_SS_AUTHENTICATION: 6, ERR_SS_REPLAY: 1 } : {},
    };
  });
}
