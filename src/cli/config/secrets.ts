/**
 * Passwords and keys from the configuration file, the environment, or a file of
 * their own. They must not be logged.
 *
 * A string of the configuration file that consists only of `${NAME}` is
 * replaced by that variable, as in shadowsocks-rust. On a command line it is
 * not replaced: the shell does that.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { badValue, ConfigError } from "../../errors.ts";
import type { Arguments } from "../options/args.ts";
import { fromObject, fromOptions } from "../settings/read.ts";
import { SECRET } from "../settings/server.ts";
import type { Place } from "../settings/setting.ts";
import type { ConfigObject, NamedConfig } from "./config_file.ts";
import { usage } from "../options/getopt.ts";

/** A password or a raw key. */
export interface Secret {
  /** The kind of `text`. */
  readonly kind: "password" | "key";
  readonly text: string;
  /** The place of the secret, for messages. */
  readonly origin: string;
  /**
   * Set if the secret is in a configuration file, or the file names its place.
   */
  readonly inFile?: true;
}

/** Finds programs and prepares their environment. */
export interface ProgramSources {
  /**
   * Returns why programs cannot be run, and what to do; `undefined` if they
   * can.
   */
  refusal(): string | undefined;
  /** Returns the full path of a program, if it exists; see `findProgram`. */
  find(name: string, folder: string): string | undefined;
  /** Returns the environment that programs get. */
  environment(): Readonly<Record<string, string>>;
}

/** The sources to which a configuration may refer. */
export interface Sources {
  /** Reads a file. @throws {ConfigError} `ERR_CONFIG_FILE`. */
  readText(path: string): string;
  /**
   * Returns the names in a folder; `undefined` for a file. If not set, every
   * path is a file.
   */
  list?(path: string): readonly string[] | undefined;
  /**
   * Reads an environment variable. @throws {ConfigError} If it is forbidden.
   */
  variable(name: string): string | undefined;
  /** Rule lists that were fetched, by their names in `rule_sets`. */
  readonly lists?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Programs that can be run; not set if there are none. */
  readonly programs?: ProgramSources;
  /** True if every user of the system may read a file. */
  isPublic(path: string): boolean;
}

/** The environment variable for the password if no other source has one. */
export const PASSWORD_VARIABLE = "UMBRA_PASSWORD";

/** Looks up secrets, and collects warnings about them. */
export class Secrets {
  /** One sentence for each warning. */
  readonly warnings: string[] = [];
  readonly sources: Sources;
  /** The folder to which paths in the configuration file are relative. */
  readonly folder: string;

  /** @param file The configuration file; not set if there is none. */
  constructor(sources: Sources, file?: NamedConfig) {
    this.sources = sources;
    this.folder = dirname(file?.name ?? "");
    if (!file?.object.hasSecrets) return;
    this.#tellPublic(file.name);
    if (file.usersName !== undefined) this.#tellPublic(file.usersName);
  }

  /**
   * Reads the secret of the command line. A key overrides a password, as in
   * libev.
   */
  fromOptions(args: Arguments): Secret | undefined {
    const { key, password: text, passwordFile: file } = fromOptions(
      SECRET,
      args,
    );
    if (key !== undefined) return { kind: "key", text: key, origin: "--key" };
    if (text !== undefined) checkDecoded(text, "-k, --password");
    if (text !== undefined && file !== undefined) {
      throw usage("-k and --password-file exclude each other: give one");
    }
    if (text !== undefined) {
      return { kind: "password", text, origin: "-k, --password" };
    }
    return file === undefined ? undefined : this.read(file, "--password-file");
  }

  /** Reads the secret of one object of the file. A key overrides a password. */
  fromObject(object: ConfigObject, place: Place): Secret | undefined {
    const { key, password, passwordFile: file } = fromObject(
      SECRET,
      object,
      place,
    );
    if (key !== undefined) {
      return this.#expand("key", key, () => object.where("key"));
    }
    if (password !== undefined && file !== undefined) {
      throw badValue(
        `${object.where("password_file")} and "password" exclude each ` +
          "other: give one",
      );
    }
    if (password !== undefined) {
      return this.#expand("password", password, () => object.where("password"));
    }
    if (file === undefined) return undefined;
    const path = resolve(this.folder, file);
    return {
      ...this.read(path, object.where("password_file")),
      inFile: true,
    };
  }

  /** Returns a password of the file, or the variable that it names. */
  password(text: string, origin: string): Secret {
    return this.#expand("password", text, () => origin);
  }

  /** Returns the password of the environment, if there is one. */
  fromEnvironment(): Secret | undefined {
    const text = this.sources.variable(PASSWORD_VARIABLE);
    if (text !== undefined) checkDecoded(text, PASSWORD_VARIABLE);
    return text
      ? { kind: "password", text, origin: PASSWORD_VARIABLE }
      : undefined;
  }

  /**
   * Reads the only line of a file.
   *
   * @param origin The option or key that names the file, for messages. If an
   * option names a file that does not exist, the path is not repeated: it may
   * be the password itself.
   */
  read(path: string, origin: string): Secret {
    const lines = locate(
      origin,
      () =>
        origin.startsWith("-")
          ? readHidden(path, this.sources)
          : this.sources.readText(path),
    ).replace(/\r?\n$/, "").split(/\r?\n/);
    const [text = "", second] = lines;
    if (text === "" || second !== undefined) {
      throw badValue(
        `${origin}: ${path} has ${
          text === "" ? "no" : "more than one"
        } line, expected one`,
      );
    }
    this.#tellPublic(path);
    return { kind: "password", text, origin: `${origin} (${path})` };
  }

  #tellPublic(path: string): void {
    if (!this.sources.isPublic(path)) return;
    this.warnings.push(
      `${path} can be read by every user of this machine: chmod 600`,
    );
  }

  /**
   * @param where Returns the place, only for messages: there may be many users.
   */
  #expand(kind: Secret["kind"], text: string, where: () => string): Secret {
    const name = /^\$\{([^{}]+)\}$/.exec(text)?.[1];
    if (name === undefined) {
      if (/\$\{[^{}]+\}/.test(text)) {
        this.warnings.push(
          `${where()}: a \${VARIABLE} inside other text is not replaced by ` +
            "its value",
        );
      }
      return {
        kind,
        text,
        get origin(): string {
          return where();
        },
        inFile: true,
      };
    }
    const origin = where();
    const value = locate(origin, () => this.sources.variable(name));
    if (value) checkDecoded(value, `${origin} (${name})`);
    if (value) {
      return {
        kind,
        text: value,
        origin: `${origin} (${name})`,
        inFile: true,
      };
    }
    throw badValue(
      `${origin}: the environment variable ${name} is not set or empty`,
    );
  }
}

/**
 * Makes the secret of a password that comes from neither a file nor an option.
 */
export function passwordSecret(text: string, origin: string): Secret {
  return { kind: "password", text, origin };
}

/**
 * Checks that a password was valid UTF-8. Both runtimes replace invalid bytes
 * by U+FFFD, which would be a different password.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
function checkDecoded(text: string, origin: string): void {
  if (!text.includes("\ufffd")) return;
  throw badValue(
    `${origin}: the password is not UTF-8; set the terminal to that encoding, ` +
      "or put the password into a file that is",
  );
}

/**
 * Reads a file that an option names. The message of a failure does not repeat
 * the path, which may be a password.
 */
export function readHidden(path: string, sources: Sources): string {
  try {
    return sources.readText(path);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const message = error.message.replace(`Cannot read ${path}: `, "");
    throw new ConfigError(error.code, message, { cause: error.cause });
  }
}

/**
 * Runs a function and adds the place of the value to the message of its error.
 *
 * @param origin The place, or a function that returns it.
 */
export function locate<T>(
  origin: string | Pick<Secret, "origin">,
  read: () => T,
): T {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const place = typeof origin === "string" ? origin : origin.origin;
    throw new ConfigError(error.code, `${place}: ${error.message}`);
  }
}
