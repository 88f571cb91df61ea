/**
 * An HTTP/1.1 site that records its requests.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { existsSync, readFileSync, statSync } from "node:fs";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import { join, normalize } from "node:path";
import type { Address } from "./tcp.ts";

/** A received request. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  /** Names and values in turns, as received. */
  readonly rawHeaders: readonly string[];
}

/**
 * A running site: `POST /echo` returns the body, `GET /big/N` returns N bytes
 * in chunks, `GET /page` a page whose script writes its text, `/files/` the
 * files of a folder, everything else a text.
 */
export class WebSite implements AsyncDisposable {
  /** The listening address. */
  readonly address: Address;
  /** All requests. */
  readonly requests: SeenRequest[] = [];
  /** Number of accepted connections. */
  connections = 0;
  readonly #server: Server;
  readonly #folder: string | undefined;

  private constructor(server: Server, folder: string | undefined) {
    const address = server.address();
    if (address === null || typeof address === "string") {
      throw new Error("The site listens on no port");
    }
    this.address = { host: "127.0.0.1", port: address.port };
    this.#server = server;
    this.#folder = folder;
    server.on("connection", () => this.connections++);
    server.on("request", (request, response) => {
      const { method = "", url = "", rawHeaders } = request;
      this.requests.push({ method, url, rawHeaders });
      this.#serve(request, response).catch(() => response.destroy());
    });
  }

  /**
   * Starts a site on a port that the system chooses.
   *
   * @param folder The folder for `/files/`.
   */
  static start(folder?: string): Promise<WebSite> {
    const server = createServer();
    return new Promise((resolve, reject) => {
      server.once("error", reject);
      server.listen(0, "127.0.0.1", () => resolve(new WebSite(server, folder)));
    });
  }

  /** Returns the URL of a path. */
  url(path: string, host: string = this.address.host): string {
    return `http://${host}:${this.address.port}${path}`;
  }

  /** Stops the site and closes its connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #serve(
    request: IncomingMessage,
    response: ServerResponse,
  ): Promise<void> {
    const path = new URL(request.url ?? "/", "http://site").pathname;
    const parts: Uint8Array[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    if (path === "/echo") return void response.end(body);
    if (path === "/page") {
      response.setHeader("content-type", "text/html");
      return void response.end(PAGE);
    }
    if (path.startsWith("/big/")) {
      // Without a length the body is sent in chunks.
      const size = Number(path.slice("/big/".length));
      for (let sent = 0; sent < size; sent += BIG_PART.length) {
        response.write(BIG_PART.subarray(0, size - sent));
      }
      return void response.end();
    }
    if (path.startsWith("/files/")) return this.#file(path, response);
    response.setHeader("content-type", "text/plain");
    response.end(SITE_TEXT);
  }

  #file(path: string, response: ServerResponse): void {
    const file = join(this.#folder ?? "", normalize(path.slice(6)));
    const exists = this.#folder !== undefined && existsSync(file) &&
      statSync(file).isFile();
    response.statusCode = exists ? 200 : 404;
    response.end(exists ? readFileSync(file) : "");
  }
}

/** The default answer. */
export const SITE_TEXT = "fetched through Umbra";

/** The text in `/page` after its script has run. */
export const PAGE_TEXT = "written by a script: 42";

const PAGE = "<!doctype html><title>Page</title><p id=p>no script</p><script>" +
  "fetch('/text').then((r) => r.text()).then(() => " +
  "p.textContent = 'written by a script: ' + 6 * 7)</script>";

const BIG_PART = Buffer.alloc(65_536, "umbra ");
