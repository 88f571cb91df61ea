/**
 * The operator's port without a socket: a function from requests to responses.
 *
 * @module
 */
import {
  type AdminHandler,
  type AdminOptions,
  type AdminPage,
  createAdminHandler,
} from "../../src/admin/admin_handler.ts";
import { FakeClock } from "./fake_clock.ts";
import { FakeOperator } from "./fake_operator.ts";
import type { LogLine } from "./world.ts";

/** A token of sufficient length. */
export const TOKEN = "correct-horse-battery-staple";

/** A page with a policy like that of the real page. */
export const PAGE: AdminPage = {
  html: "<!doctype html><p>hi</p>",
  csp: "default-src 'none'; connect-src 'self'; frame-ancestors 'none'",
};

/** A request besides its path. */
export interface Asking {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** The address of the client; `undefined` for a unix socket. */
  readonly from?: string | undefined;
}

/** A port and its program. */
export class AdminWorld {
  readonly operator: FakeOperator = new FakeOperator();
  readonly clock: FakeClock = new FakeClock();
  readonly lines: LogLine[] = [];
  readonly #handler: AdminHandler;

  /**
   * @param settings Settings that differ from a port on loopback without a
   * token.
   */
  constructor(settings: Partial<AdminOptions> = {}) {
    this.#handler = createAdminHandler({
      host: "127.0.0.1",
      operator: this.operator,
      clock: this.clock,
      logger: {
        enabled: () => true,
        log: (level, message, fields = {}) =>
          this.lines.push({ level, message, fields }),
      },
      page: PAGE,
      inviteUrl: () => "https://invite.example",
      ...settings,
    });
  }

  /** Sends a request, by default like curl on the same machine. */
  ask(
    path: string,
    { method = "GET", headers = {}, body, from = "127.0.0.1" }: Asking = {},
  ): Promise<Response> {
    const request = new Request(`http://umbra.invalid${path}`, {
      method,
      headers: {
        host: "127.0.0.1:9090",
        ...(body !== undefined && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && {
        body: typeof body === "string" || body instanceof Blob
          ? body
          : JSON.stringify(body),
      }),
    });
    return this.#handler(request, from ? { host: from, port: 1 } : undefined);
  }

  /** Returns the JSON of an answer with the expected status. */
  // deno-lint-ignore no-explicit-any -- whatever was sent, for assertions
  async json(path: string, asking?: Asking): Promise<any> {
    const response = await this.ask(path, asking);
    const text = await response.text();
    if (!response.ok) throw new Error(`${response.status}: ${text}`);
    return text === "" ? undefined : JSON.parse(text);
  }
}
