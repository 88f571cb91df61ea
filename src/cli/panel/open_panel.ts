/**
 * The panel that a configuration file asks for, on this system.
 *
 * @module
 */
import { secureStream } from "../../adapters/net/secure_stream.ts";
import { systemTransport } from "../../adapters/net/system.ts";
import { openSqliteStore } from "../../adapters/store/sqlite_store.ts";
import type { Clock } from "../../clock.ts";
import { ConfigError } from "../../errors.ts";
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

/** A panel that has been asked. */
export interface OpenPanel extends AsyncDisposable {
  readonly link: PanelLink;
  /** Warnings about the settings for the operator. */
  readonly warnings: readonly string[];
  /** Logs what was reported so far, and what follows. */
  tell(logger: Logger): void;
}

/**
 * Asks the panel for the first time.
 *
 * @returns `undefined` when none is asked for.
 * @throws {UmbraError} When it cannot be had, and nothing was kept either.
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
          "the panel's users, and traffic that was not reported to it, are kept " +
          "nowhere: give --store FILE",
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

/** A server's part in the fleet whose source is a panel. */
export function memberOfPanel(
  link: PanelLink,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): FleetMember {
  return new FleetMember({
    clock,
    logger,
    // What has to outlast a restart, the link keeps itself.
    memory: undefined,
    node: link.node,
    outage: "serve",
    connect: () => Promise.resolve(link),
  });
}

/**
 * Looks whether the program can be the node of a panel.
 *
 * @throws {ConfigError} When it cannot.
 */
export function checkPanel({ workers, fleet }: OperatorSettings): void {
  if (workers > 1) {
    throw new ConfigError(
      "ERR_CONFIG_VALUE",
      "Several workers cannot be one node of a panel, which would know only " +
        "the devices of the last: leave --workers out",
    );
  }
  if (fleet === undefined) return;
  throw new ConfigError(
    "ERR_CONFIG_VALUE",
    "A server has its users from a panel or from the engine of a fleet: give " +
      "one of them",
  );
}

/** Keeps lines until there is a log: those of one question to a panel. */
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
