/**
 * `umbra top`: the dashboard in a terminal, or one report as text or JSON if
 * standard output is not a terminal.
 *
 * @module
 */
import process from "node:process";
import { History } from "../../admin/history.ts";
import { ConfigError } from "../../errors.ts";
import { STATUS_INTERVAL_MS } from "../../limits.ts";
import type { Arguments } from "../options/args.ts";
import { usage } from "../options/getopt.ts";
import { operatorSettings } from "../config/operator_settings.ts";
import { print } from "../output.ts";
import { Secrets } from "../config/secrets.ts";
import { systemSources } from "../config/sources.ts";
import {
  fetchStatus,
  secureSource,
  type StatusSource,
} from "./status_client.ts";
import { renderTop, SORT_KEYS, type TopView } from "./top_view.ts";

/** The size of a terminal that reports none. */
const DEFAULT_SIZE = { columns: 80, rows: 24 };

/** Signals at which the terminal must be restored, with their numbers. */
const SIGNALS = { SIGINT: 2, SIGTERM: 15, SIGHUP: 1 } as const;

/** Alternate screen and hidden cursor (xterm), on and off. */
const ENTER = "\x1b[?1049h\x1b[?25l";
const LEAVE = "\x1b[?25h\x1b[?1049l";

/**
 * Moves the cursor to the first line. Overwriting instead of clearing the
 * screen avoids flicker.
 */
const HOME = "\x1b[H";
const CLEAR_LINE = "\x1b[K";
const CLEAR_BELOW = "\x1b[J";

/**
 * Runs the command.
 *
 * @throws {ConfigError | TransportError} If the first request fails.
 */
export async function runTop(args: Arguments): Promise<void> {
  const secrets = new Secrets(systemSources);
  const said = { args, file: undefined, secrets };
  const { admin, adminToken, adminCert } = operatorSettings("local", said);
  if (admin === undefined) {
    throw usage(
      "Missing program: give its --admin HOST:PORT or unix:/PATH",
    );
  }
  const secure = secureSource(adminCert);
  const source = { address: admin, token: adminToken, secure };
  if (args.has("json")) {
    await print(`${JSON.stringify(await fetchStatus(source))}\n`);
  } else if (process.stdout.isTTY && process.stdin.isTTY) {
    await new Screen(source).run();
  } else {
    await print(await snapshot(source));
  }
}

/**
 * Returns a text from two requests, a second apart: a rate needs two
 * measurements.
 */
async function snapshot(source: StatusSource): Promise<string> {
  const history = new History();
  history.push(await fetchStatus(source, "rate-down"));
  await new Promise((resolve) => setTimeout(resolve, STATUS_INTERVAL_MS));
  history.push(await fetchStatus(source, "rate-down"));
  const lines = renderTop(history, {
    width: Infinity,
    height: Infinity,
    sort: "rate-down",
    unit: "bit",
    interactive: false,
    trouble: "",
  });
  return lines.map((line) => `${line.trimEnd()}\n`).join("");
}

/** The terminal while the dashboard is shown. */
class Screen {
  readonly #source: StatusSource;
  readonly #history = new History();
  readonly #ended = Promise.withResolvers<void>();
  #view: Omit<TopView, "width" | "height"> = {
    sort: "rate-down",
    unit: "bit",
    interactive: true,
    trouble: "",
  };
  #over = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(source: StatusSource) {
    this.#source = source;
  }

  /** Shows the dashboard until `q`. */
  async run(): Promise<void> {
    // The first request comes before the screen changes, so that its error is
    // printed normally.
    this.#history.push(await fetchStatus(this.#source, this.#view.sort));
    const leave = this.#enter();
    try {
      await this.#ended.promise;
    } finally {
      this.#over = true;
      clearTimeout(this.#timer);
      leave();
    }
  }

  /** @returns A function that restores the terminal. */
  #enter(): () => void {
    const { stdin, stdout } = process;
    const onKey = (keys: string): void => this.#press(keys);
    const draw = (): void => this.#draw();
    let left = false;
    const leave = (): void => {
      if (left) return;
      left = true;
      process.off("exit", leave);
      stdin.off("data", onKey).setRawMode(false).pause();
      stdout.off("resize", draw);
      stdout.write(LEAVE);
    };
    // Also restores the terminal after a defect, when `main.ts` exits.
    process.on("exit", leave);
    for (const [name, number] of Object.entries(SIGNALS)) {
      process.on(name, () => {
        leave();
        process.exit(128 + number);
      });
    }
    stdin.setEncoding("utf8").setRawMode(true).on("data", onKey).resume();
    stdout.on("resize", draw);
    stdout.write(ENTER);
    this.#draw();
    this.#plan();
    return leave;
  }

  #plan(): void {
    this.#timer = setTimeout(() => {
      this.#lookAgain().catch((error) => this.#ended.reject(error));
    }, STATUS_INTERVAL_MS);
  }

  async #lookAgain(): Promise<void> {
    await this.#look();
    if (this.#over) return;
    this.#draw();
    this.#plan();
  }

  async #look(): Promise<void> {
    try {
      this.#history.push(await fetchStatus(this.#source, this.#view.sort));
      this.#view = { ...this.#view, trouble: "" };
    } catch (error) {
      this.#view = { ...this.#view, trouble: (error as Error).message };
      // A rejected token stays rejected.
      if (error instanceof ConfigError) this.#ended.reject(error);
    }
  }

  #press(keys: string): void {
    for (const key of keys) {
      const sort = SORT_KEYS[key];
      // In raw mode Ctrl+C is a character.
      if (key === "q" || key === "\x03") this.#ended.resolve();
      else if (sort !== undefined) this.#view = { ...this.#view, sort };
      else if (key === "b") {
        const unit = this.#view.unit === "bit" ? "byte" : "bit";
        this.#view = { ...this.#view, unit };
      }
    }
    this.#draw();
  }

  #draw(): void {
    const { columns, rows } = { ...DEFAULT_SIZE, ...size() };
    const lines = renderTop(this.#history, {
      ...this.#view,
      width: columns,
      height: rows,
    });
    const text = lines.map((line) => line + CLEAR_LINE).join("\r\n");
    process.stdout.write(HOME + text + CLEAR_BELOW);
  }
}

/** Returns the size that the terminal reports; some report 0. */
function size(): Partial<typeof DEFAULT_SIZE> {
  const { columns, rows } = process.stdout;
  return { ...columns > 0 && { columns }, ...rows > 0 && { rows } };
}
