/**
 * Passwords and keys as they are written: in the file, in the environment, in
 * a file of their own. Never logged.
 *
 * A text of the configuration file that is `${NAME}`, whole, stands for that
 * variable, as in shadowsocks-rust. On a command line it does not: there the
 * shell puts variables in.
 *
 * @module
 */
import { dirname, resolve } from "node:path";
import { ConfigError } from "../../errors.ts";
import type { Arguments } from "../options/args.ts";
import { fromObject, fromOptions } from "../settings/read.ts";
import { SECRET } from "../settings/server.ts";
import type { Place } from "../settings/setting.ts";
import type { ConfigObject, NamedConfig } from "./config_file.ts";

/** A password or a raw key. */
export interface Secret {
  /** Which of the two `text` is. */
  readonly kind: "password" | "key";
  readonly text: string;
  /** The place where the secret was written. */
  readonly origin: string;
  /**
   * Set: the secret is in a configuration file, or the file names its place.
   */
  readonly inFile?: true;
}

/** Which programs can be run. */
export interface ProgramSources {
  /** Why none can, and what to do; `undefined` where they can. */
  refusal(): string | undefined;
  /** The full path of a program, if there is one; see `findProgram`. */
  find(name: string, folder: string): string | undefined;
  /** The environment that programs are given. */
  environment(): Readonly<Record<string, string>>;
}

/** The sources to which a configuration may refer. */
export interface Sources {
  /** Reads a file. @throws {ConfigError} `ERR_CONFIG_FILE`. */
  readText(path: string): string;
  /** The names in a folder; `undefined` for a file. Not set: all are files. */
  list?(path: string): readonly string[] | undefined;
  /** A variable of the environment. @throws {ConfigError} When forbidden. */
  variable(name: string): string | undefined;
  /** Lists of rules that were fetched, by their names in `rule_sets`. */
  readonly lists?: ReadonlyMap<string, Uint8Array> | undefined;
  /** Programs that can be run; not set: none. */
  readonly programs?: ProgramSources;
  /** True if every user of the system may read a file. */
  isPublic(path: string): boolean;
}

/** The variable that holds the password where nothing else gives one. */
export const PASSWORD_VARIABLE = "UMBRA_PASSWORD";

/** Looks secrets up, and collects what the operator should know of them. */
export class Secrets {
  /** One sentence each. */
  readonly warnings: string[] = [];
  readonly sources: Sources;
  /** The folder of relative paths in the configuration file. */
  readonly folder: string;

  /** @param file The configuration file; not set: there is none. */
  constructor(sources: Sources, file?: NamedConfig) {
    this.sources = sources;
    this.folder = dirname(file?.name ?? "");
    if (!file?.object.hasSecrets) return;
    this.#tellPublic(file.name);
    if (file.usersName !== undefined) this.#tellPublic(file.usersName);
  }

  /** Reads the command line. A key beats a password, as in libev. */
  fromOptions(args: Arguments): Secret | undefined {
    const { key, password: text, passwordFile: file } = fromOptions(
      SECRET,
      args,
    );
    if (key !== undefined) return { kind: "key", text: key, origin: "--key" };
    if (text !== undefined) checkDecoded(text, "-k, --password");
    if (text !== undefined && file !== undefined) {
      throw new ConfigError(
        "ERR_CONFIG_USAGE",
        "-k and --password-file: give one of them",
      );
    }
    if (text !== undefined) {
      return { kind: "password", text, origin: "-k, --password" };
    }
    return file === undefined ? undefined : this.read(file, "--password-file");
  }

  /** Reads one object of the file; a key beats a password. */
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
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
        `${object.where("password_file")}: there is a "password" beside it; ` +
          "give one of them",
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

  /** A password of the file, or the variable it names. */
  password(text: string, origin: string): Secret {
    return this.#expand("password", text, () => origin);
  }

  /** The password of the environment, if there is one. */
  fromEnvironment(): Secret | undefined {
    const text = this.sources.variable(PASSWORD_VARIABLE);
    if (text !== undefined) checkDecoded(text, PASSWORD_VARIABLE);
    return text
      ? { kind: "password", text, origin: PASSWORD_VARIABLE }
      : undefined;
  }

  /**
   * The one line of a file.
   *
   * @param origin What names the file, for messages. If that is an option,
   * the path is not repeated as long as there is no such file: it may be the
   * password itself.
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
      throw new ConfigError(
        "ERR_CONFIG_VALUE",
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

  /** @param where Asked for where a message needs it: users may be many. */
  #expand(kind: Secret["kind"], text: string, where: () => string): Secret {
    const name = /^\$\{([^{}]+)\}$/.exec(text)?.[1];
    if (name === undefined) {
      if (/\$\{[^{}]+\}/.test(text)) {
        this.warnings.push(
          `${where()}: a \${VARIABLE} within other text is taken as it is ` +
            "written, not from the environment",
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
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      `${origin}: the environment has no variable ${name}, or an empty one`,
    );
  }
}

/** A password that was not read from a file or an option. */
export function passwordSecret(text: string, origin: string): Secret {
  return { kind: "password", text, origin };
}

/**
 * Both runtimes put U+FFFD for bytes that are no UTF-8: another password.
 *
 * @throws {ConfigError} `ERR_CONFIG_VALUE`.
 */
function checkDecoded(text: string, origin: string): void {
  if (!text.includes("\ufffd")) return;
  throw new ConfigError(
    "ERR_CONFIG_VALUE",
    `${origin}: the password is not UTF-8; set the terminal to that encoding, ` +
      "or put the password into a file that is",
  );
}

/**
 * Reads a file that an option names. The path of one that cannot be read is
 * not repeated: it may be a password.
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
 * Puts the place of a value in front of the message of its error.
 *
 * @param origin The place, or a function that names it.
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
