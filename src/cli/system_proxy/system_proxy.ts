/**
 * Sets the proxy of the programs of this system, and restores the earlier
 * setting. While the proxy is set, a note of both is on disk, so that a later
 * start can restore the setting after a crash.
 *
 * @module
 */
import type { RunTool } from "../../adapters/system/tools.ts";
import { formatAddress } from "../../codec/address.ts";
import { badValue, type ConfigError } from "../../errors.ts";
import type { Endpoint } from "../../transport.ts";
import type { KeptFile } from "../kept_file.ts";
import type {
  Desktop,
  ProxyForm,
  ProxyPlace,
  ProxySetting,
} from "./desktops.ts";

/** The dependencies of a system proxy. */
export interface SystemProxyWorld {
  /** The kind of this system; not set if it is not supported. */
  readonly desktop: Desktop | undefined;
  /** The note; not set if there is no folder for it. */
  readonly note: Pick<KeptFile, "read" | "write" | "remove"> | undefined;
  /** Runs programs of the system. */
  readonly run: RunTool;
  /** True if something listens at an address. */
  isAnswered(place: Endpoint): Promise<boolean>;
}

/** The earlier and the new values, by the ids of settings. */
interface Note {
  readonly desktop: string;
  readonly place: Endpoint;
  readonly before: Readonly<Record<string, string>>;
  readonly ours: Readonly<Record<string, string>>;
}

/** The proxy setting of one system. */
export class SystemProxy {
  readonly #world: SystemProxyWorld;

  /** Changes nothing yet. */
  constructor(world: SystemProxyWorld) {
    this.#world = world;
  }

  /** True if this system is supported. */
  get isKnown(): boolean {
    return this.#world.desktop !== undefined;
  }

  /**
   * Makes programs use a proxy that already listens.
   *
   * @throws {ConfigError} If the setting cannot be changed; the earlier setting
   * is kept then.
   */
  async set(form: ProxyForm, place: ProxyPlace): Promise<void> {
    const { desktop, note } = this.#world;
    if (desktop === undefined) {
      throw failure("Umbra does not support the proxy setting of this system");
    }
    if (note === undefined) {
      throw failure("no folder for the note of the earlier setting: set HOME");
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
   * Restores the earlier values, except those that another program has changed
   * since.
   *
   * @returns False if there is nothing to restore.
   * @throws {ConfigError} If a value cannot be restored; the note is kept then.
   */
  async restore(): Promise<boolean> {
    const note = this.#note();
    const { desktop } = this.#world;
    if (note === undefined) return false;
    if (desktop?.name !== note.desktop) {
      throw failure(
        `it was set on ${note.desktop}, and this is another system`,
      );
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
   * Restores the setting that a program has left that no longer runs.
   *
   * @returns The address of its proxy; `undefined` if nothing was left.
   * @throws {ConfigError} If the setting cannot be restored.
   */
  async repair(): Promise<Endpoint | undefined> {
    const note = this.#note();
    if (note === undefined || await this.#world.isAnswered(note.place)) {
      return undefined;
    }
    return await this.restore() ? note.place : undefined;
  }

  /** @throws {ConfigError} If another running program has set its proxy. */
  async #clear(place: Endpoint): Promise<void> {
    const note = this.#note();
    if (note === undefined) return;
    const other = formatAddress(note.place);
    const isOther = other !== formatAddress(place);
    if (isOther && await this.#world.isAnswered(note.place)) {
      throw failure(
        `it is set to ${other} by a program that still runs: stop that ` +
          "program first, or leave --system-proxy out",
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
      // A note of another program contains nothing to restore.
      return undefined;
    }
  }

  async #settings(desktop: Desktop): Promise<readonly ProxySetting[]> {
    const settings = await desktop.settings(this.#world.run);
    if (settings.length > 0) return settings;
    throw failure(
      `${desktop.name} has no network service with a proxy setting`,
    );
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

/**
 * Returns the message for a failed program. The value, which may contain a
 * secret, is in the arguments after these words and is not shown.
 */
function toolFailure(words: readonly string[], output: string): string {
  const [line = ""] = output.trim().split("\n");
  return `${words.slice(0, 2).join(" ")} failed: ${line.slice(0, 200)}`;
}

function failure(why: string): ConfigError {
  return badValue(`Cannot change the system's proxy: ${why}`);
}
