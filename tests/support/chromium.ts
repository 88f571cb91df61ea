/**
 * A headless Chromium, controlled over its DevTools protocol.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findProgram } from "../e2e/clients.ts";
import { Program } from "./process.ts";
import { until, within } from "./within.ts";

/** The names under which it may be installed. */
export const CHROMIUMS: readonly string[] = [
  "chromium",
  "chromium-browser",
  "google-chrome",
];

/** Time limit of a command in milliseconds. */
const COMMAND_MS = 15_000;

type Json = Readonly<Record<string, unknown>>;

/** Answer to a command, or an event. */
interface Message {
  readonly id?: number;
  readonly method?: string;
  // deno-lint-ignore no-explicit-any
  readonly params?: any;
  // deno-lint-ignore no-explicit-any
  readonly result?: any;
  readonly error?: { readonly message: string };
}

/** One browser with one page. */
export class Chromium implements AsyncDisposable {
  /** Errors of the page: thrown, logged, or of its policy. */
  readonly errors: string[] = [];
  /** Every requested URL, except `data:`. */
  readonly requests: string[] = [];
  readonly #program: Program;
  readonly #profile: string;
  readonly #socket: WebSocket;
  readonly #waiting = new Map<number, (message: Message) => void>();
  #session = "";
  #id = 0;

  private constructor(program: Program, profile: string, socket: WebSocket) {
    this.#program = program;
    this.#profile = profile;
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.#receive(JSON.parse(data));
  }

  /** Starts a browser that can reach only 127.0.0.1. */
  static async start(): Promise<Chromium> {
    const profile = mkdtempSync(join(tmpdir(), "umbra-chromium-"));
    const listening = /DevTools listening on (ws:\S+)/;
    const program = await Program.start(
      [
        findProgram(CHROMIUMS)!,
        ...["--headless=new", "--no-sandbox", "--disable-gpu"],
        ...["--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run"],
        ...["--disable-background-networking", "--disable-sync"],
        "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
        ...["--remote-debugging-port=0", `--user-data-dir=${profile}`],
        "about:blank",
      ],
      { ready: listening },
    );
    const socket = new WebSocket(listening.exec(program.output)![1]!);
    const chromium = new Chromium(program, profile, socket);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error("Cannot reach Chromium"));
    });
    await chromium.#attach();
    return chromium;
  }

  /** Loads a page. */
  async open(url: string): Promise<void> {
    await this.send("Page.navigate", { url });
    await this.until("document.readyState === 'complete'");
  }

  /** Returns the value of an expression in the page; promises are awaited. */
  async evaluate<T = unknown>(expression: string): Promise<T> {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", {
      expression,
      awaitPromise: true,
      returnByValue: true,
      userGesture: true,
    });
    if (exceptionDetails === undefined) return result.value;
    const { text, exception } = exceptionDetails;
    throw new Error(`${expression}: ${exception?.description ?? text}`);
  }

  /** Waits until an expression in the page is true. */
  async until(expression: string, limitMs = 10_000): Promise<void> {
    await until(
      limitMs,
      `${expression}; errors: ${this.errors.join("; ")}`,
      // A page that loads again interrupts the question.
      () =>
        this.evaluate<boolean>(`Boolean(${expression})`).catch((error) => {
          if (!/navigated/.test(String(error))) throw error;
          return false;
        }),
    );
  }

  /** Presses and releases a key. */
  async press(key: string): Promise<void> {
    const typed = key === "Enter" ? "\r" : key;
    const text = typed.length === 1 ? { text: typed } : {};
    await this.send("Input.dispatchKeyEvent", {
      type: "keyDown",
      key,
      windowsVirtualKeyCode: KEY_CODES[key] ?? 0,
      ...text,
    });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", key });
  }

  /** Sets the size of the window, and the preferences of the user. */
  async show(
    { width, height, dark = false, phone = false }: {
      readonly width: number;
      readonly height: number;
      readonly dark?: boolean;
      readonly phone?: boolean;
    },
  ): Promise<void> {
    await this.send("Emulation.setDeviceMetricsOverride", {
      width,
      height,
      deviceScaleFactor: phone ? 2 : 1,
      mobile: phone,
    });
    await this.send("Emulation.setEmulatedMedia", {
      features: [
        { name: "prefers-color-scheme", value: dark ? "dark" : "light" },
        { name: "prefers-reduced-motion", value: "reduce" },
      ],
    });
    // The page has its new size only once it has been drawn again.
    await this.evaluate(
      "new Promise((drawn) => { setTimeout(drawn, 1_000); " +
        "requestAnimationFrame(() => requestAnimationFrame(drawn)); })",
    );
  }

  /** Returns a screenshot as PNG. */
  async screenshot(): Promise<Uint8Array> {
    const { data } = await this.send("Page.captureScreenshot", {
      format: "png",
    });
    return Buffer.from(data, "base64");
  }

  /** Sends a command of the protocol to the page. */
  // deno-lint-ignore no-explicit-any
  async send(method: string, params: Json = {}): Promise<any> {
    const id = ++this.#id;
    const { promise, resolve } = Promise.withResolvers<Message>();
    this.#waiting.set(id, resolve);
    const sessionId = this.#session === "" ? {} : { sessionId: this.#session };
    this.#socket.send(JSON.stringify({ id, method, params, ...sessionId }));
    const { result, error } = await within(
      COMMAND_MS,
      () => `${method} of ${this.#program.describe()}`,
      promise,
    );
    if (error) throw new Error(`${method}: ${error.message}`);
    return result;
  }

  /** Ends the browser. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.close();
    await this.#program.stop();
    // Child processes may still write for a moment.
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 10 });
  }

  async #attach(): Promise<void> {
    const { targetInfos } = await this.send("Target.getTargets");
    const page = targetInfos.find(({ type }: Json) => type === "page");
    const { sessionId } = await this.send("Target.attachToTarget", {
      targetId: page.targetId,
      flatten: true,
    });
    this.#session = sessionId;
    for (const domain of ["Page", "Runtime", "Network", "Log"]) {
      await this.send(`${domain}.enable`);
    }
  }

  #receive({ id, method, params, result, error }: Message): void {
    if (id !== undefined) {
      this.#waiting.get(id)?.({ result, ...error && { error } });
      this.#waiting.delete(id);
      return;
    }
    switch (method) {
      case "Runtime.exceptionThrown": {
        const { text, exception } = params.exceptionDetails;
        this.errors.push(exception?.description ?? text);
        break;
      }
      case "Runtime.consoleAPICalled":
        if (params.type === "error" || params.type === "warning") {
          this.errors.push(JSON.stringify(params.args));
        }
        break;
      case "Log.entryAdded":
        if (params.entry.level === "error") {
          this.errors.push(`${params.entry.text} ${params.entry.url ?? ""}`);
        }
        break;
      case "Network.requestWillBeSent":
        if (!params.request.url.startsWith("data:")) {
          this.requests.push(params.request.url);
        }
        break;
    }
  }
}

const KEY_CODES: Readonly<Record<string, number>> = {
  Escape: 27,
  Enter: 13,
  Tab: 9,
};
