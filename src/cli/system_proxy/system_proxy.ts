/**
 * Sets which proxy the programs of this system use, and restores what was. A
 * note of both is on disk as long as ours is set, so that a later start can do
 * what a crash has left undone.
 *
 * @module
 */
import type { RunTool } from "../../adapters/system/tools.ts";
import { formatAddress } from "../../codec/address.ts";
import { ConfigError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import type { KeptFile } from "../kept_file.ts";
import type {
  Desktop,
  ProxyForm,
  ProxyPlace,
  ProxySetting,
} from "./desktops.ts";

/** What it works with. */
export interface SystemProxyWorld {
  /** The system's own place for it; not set where it has none that is known. */
  readonly desktop: Desktop | undefined;
  /** The note; not set where there is no folder for it. */
  readonly note: Pick<KeptFile, "read" | "write" | "remove"> | undefined;
  /** Runs the system's programs. */
  readonly run: RunTool;
  /** True if something listens there. */
  isAnswered(place: Endpoint): Promise<boolean>;
}

/** What was, and what we have set; by the ids of settings. */
interface Note {
  readonly desktop: string;
  readonly place: Endpoint;
  readonly before: Readonly<Record<string, string>>;
  readonly ours: Readonly<Record<string, string>>;
}

/** The setting of one system. */
export class SystemProxy {
  readonly #world: SystemProxyWorld;

  /** Changes nothing yet. */
  constructor(world: SystemProxyWorld) {
    this.#world = world;
  }

  /** True if this system keeps a proxy in a way that is known. */
  get isKnown(): boolean {
    return this.#world.desktop !== undefined;
  }

  /**
   * Makes programs use a proxy that listens already.
   *
   * @throws {ConfigError} When that cannot be; it is as it was then.
   */
  async set(form: ProxyForm, place: ProxyPlace): Promise<void> {
    const { desktop, note } = this.#world;
    if (desktop === undefined) {
      throw failure("this system has no proxy setting that Umbra knows");
    }
    if (note === undefined) {
      throw failure("there is no folder for the note of what was: set HOME");
    }
    await this.#clear(place);
    const settings = await this.#settings(desktop);
    const before: Record<string, string> = {};
    const ours: Record<string, string> = {};
    for (const setting of settings) {
      const value = setting.ours(form, place);
      if (value === undefined) continue;
      before[setting.id] = await this.#read(setting);
      ours[setting.id] = value;
    }
    const { host, port } = place;
    const written: Note = {
      desktop: desktop.name,
      place: { host, port },
      before,
      ours,
    };
    note.write(new TextEncoder().encode(`${JSON.stringify(written)}\n`));
    try {
      await this.#write(settings, ours);
    } catch (error) {
      await this.restore();
      throw error;
    }
  }

  /**
   * Restores what was, but for what somebody else has set meanwhile.
   *
   * @returns False where there is nothing to restore.
   * @throws {ConfigError} When that cannot be; the note is still there then.
   */
  async restore(): Promise<boolean> {
    const note = this.#note();
    const { desktop } = this.#world;
    if (note === undefined) return false;
    if (desktop?.name !== note.desktop) {
      throw failure(`it was set on ${note.desktop}, which is not found here`);
    }
    const settings = await this.#settings(desktop);
    const values: Record<string, string> = {};
    for (const setting of settings) {
      const { [setting.id]: ours } = note.ours;
      const { [setting.id]: before } = note.before;
      if (ours === undefined || before === undefined) continue;
      if (await this.#read(setting) === ours) values[setting.id] = before;
    }
    await this.#write(settings, values);
    this.#world.note!.remove();
    return true;
  }

  /**
   * Restores what a program has left that is no more.
   *
   * @returns Where that was; `undefined` where nothing was left.
   * @throws {ConfigError} When it cannot be restored.
   */
  async repair(): Promise<Endpoint | undefined> {
    const note = this.#note();
    if (note === undefined || await this.#world.isAnswered(note.place)) {
      return undefined;
    }
    return await this.restore() ? note.place : undefined;
  }

  /** @throws {ConfigError} When another program has set its own. */
  async #clear(place: Endpoint): Promise<void> {
    const note = this.#note();
    if (note === undefined) return;
    const other = formatAddress(note.place);
    const isOther = other !== formatAddress(place);
    if (isOther && await this.#world.isAnswered(note.place)) {
      throw failure(
        `it is ${other}, of a program that runs: end that one first, or leave ` +
          "--system-proxy out",
      );
    }
    await this.restore();
  }

  #note(): Note | undefined {
    const kept = this.#world.note?.read();
    if (kept === undefined) return undefined;
    try {
      const note = JSON.parse(new TextDecoder().decode(kept.bytes));
      return isNote(note) ? note : undefined;
    } catch {
      // Another program wrote it: it has nothing that could be restored.
      return undefined;
    }
  }

  async #settings(desktop: Desktop): Promise<readonly ProxySetting[]> {
    const settings = await desktop.settings(this.#world.run);
    if (settings.length > 0) return settings;
    throw failure(`${desktop.name} names no network that could have one`);
  }

  async #read(setting: ProxySetting): Promise<string> {
    const result = await this.#world.run(setting.read);
    const value = setting.parse(result);
    if (value !== undefined) return value;
    throw failure(toolFailure(setting.read, result.output));
  }

  async #write(
    settings: readonly ProxySetting[],
    values: Readonly<Record<string, string>>,
  ): Promise<void> {
    for (const setting of settings) {
      const { [setting.id]: value } = values;
      const words = value === undefined ? undefined : setting.write(value);
      if (words === undefined) continue;
      const { ok, output } = await this.#world.run(words);
      if (!ok) throw failure(toolFailure(words, output));
    }
  }
}

function isNote(value: unknown): value is Note {
  const isObject = (one: unknown): one is Record<string, unknown> =>
    typeof one === "object" && one !== null;
  const isTexts = (one: unknown): boolean =>
    isObject(one) && Object.values(one).every((v) => typeof v === "string");
  return isObject(value) && typeof value["desktop"] === "string" &&
    isObject(value["place"]) && typeof value["place"]["host"] === "string" &&
    typeof value["place"]["port"] === "number" && isTexts(value["before"]) &&
    isTexts(value["ours"]);
}

/** The value may have a secret in it, and is written behind these words. */
function toolFailure(words: readonly string[], output: string): string {
  const [line = ""] = output.trim().split("\n");
  return `${words.slice(0, 2).join(" ")} failed: ${line.slice(0, 200)}`;
}

function failure(why: string): ConfigError {
  return new ConfigError(
    "ERR_CONFIG_VALUE",
    `Cannot change the system's proxy: ${why}`,
  );
}
