/**
 * Opens the panel of a configuration file.
 *
 * @module
 */
import { secureStream } from "../../adapters/net/secure_stream.ts";
import { systemTransport } from "../../adapters/net/system.ts";
import { openSqliteStore } from "../../adapters/store/sqlite_store.ts";
import type { Clock } from "../../clock.ts";
import { badValue } from "../../errors.ts";
import type { LogFields, Logger, LogLevel } from "../../observe.ts";
import { FleetMember } from "../../service/fleet/member.ts";
import { PanelLink } from "../../service/panel/panel_link.ts";
import { withDefaults } from "../../service/service.ts";
import { readFile } from "../config/find_servers.ts";
import {
  type OperatorSettings,
  operatorSettings,
} from "../config/operator_settings.ts";
import { panelSettings } from "../config/panel_settings.ts";
import { Secrets, type Sources } from "../config/secrets.ts";
import type { Arguments } from "../options/args.ts";

/** A panel that has answered once. */
export interface OpenPanel extends AsyncDisposable {
  readonly link: PanelLink;
  /** Warnings about the settings for the operator. */
  readonly warnings: readonly string[];
  /**
   * Writes what was logged so far to the logger, and everything that follows.
   */
  tell(logger: Logger): void;
}

/**
 * Asks the panel for the first time.
 *
 * @returns `undefined` if no panel is configured.
 * @throws {UmbraError} If the panel does not answer and no earlier answer was
 * kept.
 */
export async function openPanel(
  args: Arguments,
  sources: Sources,
): Promise<OpenPanel | undefined> {
  const file = readFile(args, sources);
  const settings = panelSettings(file, sources);
  if (settings === undefined) return undefined;
  const { warnings, ...address } = settings;
  const secrets = new Secrets(sources, file);
  const { store } = operatorSettings("server", { args, file, secrets });
  const logger = new LaterLogger();
  using owned = new DisposableStack();
  const memory = store === undefined
    ? undefined
    : owned.use(openSqliteStore(store, { logger }));
  const link = await PanelLink.open(
    { ...address, memory },
    withDefaults({
      transport: systemTransport(),
      secure: secureStream,
      logger,
    }),
  );
  const kept = owned.move();
  return {
    link,
    warnings: [
      ...warnings,
      ...memory === undefined
        ? [
          "the panel's users, and traffic that was not yet reported to the " +
          "panel, are not kept: give --store FILE",
        ]
        : [],
    ],
    tell: (into) => logger.become(into),
    async [Symbol.asyncDispose](): Promise<void> {
      await link[Symbol.asyncDispose]();
      kept.dispose();
    },
  };
}

/** Makes the fleet member of a server whose users come from a panel. */
export function memberOfPanel(
  link: PanelLink,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): FleetMember {
  return new FleetMember({
    clock,
    logger,
    // The link itself keeps what must survive a restart.
    memory: undefined,
    node: link.node,
    outage: "serve",
    connect: () => Promise.resolve(link),
  });
}

/**
 * Checks that the program can be the node of a panel.
 *
 * @throws {ConfigError} If it cannot.
 */
export function checkPanel({ workers, fleet }: OperatorSettings): void {
  if (workers > 1) {
    throw badValue(
      "A panel cannot be used with several workers, because it would know " +
        "the devices of one worker only: leave --workers out",
    );
  }
  if (fleet === undefined) return;
  throw badValue(
    "A panel and a fleet exclude each other as the source of users: give " +
      "one",
  );
}

/** Keeps the lines of the first question to a panel until the log is open. */
class LaterLogger implements Logger {
  #lines: (readonly [LogLevel, string, LogFields | undefined])[] = [];
  #logger: Logger | undefined;

  enabled(level: LogLevel): boolean {
    return this.#logger?.enabled(level) ?? true;
  }

  log(level: LogLevel, message: string, fields?: LogFields): void {
    if (this.#logger === undefined) this.#lines.push([level, message, fields]);
    else this.#logger.log(level, message, fields);
  }

  become(logger: Logger): void {
    this.#logger = logger;
    for (const line of this.#lines) logger.log(...line);
    this.#lines = [];
  }
}
