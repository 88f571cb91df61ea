/**
 * The choice of crypto providers: for running services, and as a table.
 *
 * @module
 */
import { systemProviders } from "../adapters/providers.ts";
import { systemClock } from "../clock.ts";
import type { AeadProvider } from "../crypto/aead.ts";
import { type Method, METHODS } from "../crypto/method.ts";
import {
  ProviderChoice,
  type ProviderTrial,
  tryProviders,
} from "../crypto/provider_choice.ts";
import { ConfigError } from "../errors.ts";
import type { Logger } from "../observe.ts";
import { systemRandomBytes } from "../random.ts";

/**
 * Chooses who serves the methods in use, and says so in one line for each.
 *
 * @param wanted `auto`, or the name of the only provider allowed.
 * @param methods Those in use; repetitions do no harm.
 * @throws {ConfigError} `ERR_CRYPTO_PROVIDER` when a method is left without.
 */
export function chooseProvider(
  wanted: string,
  methods: readonly Method[],
  logger: Logger,
): AeadProvider {
  const results = systemProviders();
  const allowed = results.flatMap((one) =>
    "provider" in one && (wanted === "auto" || one.provider.name === wanted)
      ? [one.provider]
      : []
  );
  const used = [...new Set(methods)];
  const choice = new ProviderChoice(tryProviders(allowed, used, SYSTEM));
  for (const { provider, method, fault } of choice.trials) {
    if (fault === undefined) continue;
    logger.log(
      "warn",
      `crypto provider ${provider.name} refused for ${method.name}: ${fault}`,
    );
  }
  for (const method of used) {
    const chosen = choice.chosen(method);
    if (chosen === undefined) throw unserved(wanted, method, results);
    logger.log(
      "debug",
      `${method.name} is computed by ${chosen.name} ${chosen.version}`,
    );
  }
  return choice;
}

/** What `umbra check crypto` prints. */
export function cryptoTable(): string {
  const results = systemProviders();
  const present = results.flatMap((one) =>
    "provider" in one ? [one.provider] : []
  );
  const choice = new ProviderChoice(tryProviders(present, METHODS, SYSTEM));
  const rows = choice.trials.map((trial) => row(trial, choice));
  const absent = results.flatMap((one) =>
    "reason" in one ? [`${one.name} is not available: ${one.reason}\n`] : []
  );
  const heading = ["METHOD", "PROVIDER", "MiB/s", "", "VERSION"];
  return table([heading, ...rows]) + absent.join("") +
    "Chosen is the fastest that gives noble's answers; " +
    "speed is one core's, sealing full chunks.\n";
}

const SYSTEM = { clock: systemClock, randomBytes: systemRandomBytes };

function row(
  { method, provider, fault, speed }: ProviderTrial,
  choice: ProviderChoice,
): string[] {
  const verdict = fault !== undefined
    ? `refused: ${fault}`
    : choice.chosen(method) === provider
    ? "chosen"
    : "";
  return [
    method.name,
    provider.name,
    Math.round(speed).toLocaleString("en"),
    verdict,
    provider.version,
  ];
}

/** Columns as wide as their widest cell; the third is of numbers. */
function table(rows: readonly string[][]): string {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((cells) => cells[column]!.length))
  );
  const line = (cells: string[]): string =>
    cells.map((cell, column) =>
      column === 2
        ? cell.padStart(widths[column]!)
        : cell.padEnd(widths[column]!)
    ).join("  ").trimEnd();
  return rows.map((cells) => `${line(cells)}\n`).join("");
}

function unserved(
  wanted: string,
  method: Method,
  results: ReturnType<typeof systemProviders>,
): ConfigError {
  const reason =
    results.flatMap((one) =>
      "reason" in one && one.name === wanted ? [one.reason] : []
    )[0] ?? "it does not have this method";
  return new ConfigError(
    "ERR_CRYPTO_PROVIDER",
    `--crypto ${wanted} cannot serve ${method.name}: ${reason}; ` +
      "use --crypto auto, see `umbra check crypto`",
  );
}
