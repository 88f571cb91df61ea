/**
 * The choice of crypto providers: for running services, and as a table.
 *
 * @module
 */
import {
  chooseProviders,
  systemProviders,
} from "../../adapters/crypto/providers.ts";
import { systemClock } from "../../clock.ts";
import type { AeadProvider } from "../../crypto/aead.ts";
import { type Method, METHODS } from "../../crypto/method.ts";
import {
  ProviderChoice,
  type ProviderTrial,
  tryProviders,
} from "../../crypto/provider_choice.ts";
import { ConfigError } from "../../errors.ts";
import type { Logger } from "../../observe.ts";
import { systemRandomBytes } from "../../random.ts";

/** Who serves the methods in use; more methods may come into use later. */
export class ProvidersInUse {
  readonly #wanted: string;
  readonly #logger: Logger;
  readonly #found = systemProviders();
  readonly #choice = new ProviderChoice([]);
  readonly #used = new Set<Method>();

  /** @param wanted `auto`, or the name of the only provider allowed. */
  constructor(wanted: string, logger: Logger) {
    this.#wanted = wanted;
    this.#logger = logger;
  }

  /** Serves every method that was asked for. */
  get provider(): AeadProvider {
    return this.#choice;
  }

  /** The methods in use and who computes them. */
  get chosen(): { readonly method: string; readonly provider: string }[] {
    return [...this.#used].map((method) => ({
      method: method.name,
      provider: this.#choice.chosen(method)!.name,
    }));
  }

  /**
   * Chooses for methods that are new, and says so in one line for each.
   *
   * @param methods Repetitions do no harm.
   * @throws {ConfigError} `ERR_CRYPTO_PROVIDER` when a method is left without.
   */
  serve(methods: Iterable<Method>): void {
    for (const method of new Set(methods)) {
      if (this.#used.has(method)) continue;
      const trials = tryProviders(this.#allowed, [method], SYSTEM);
      this.#choice.add(trials);
      for (const { provider, fault } of trials) {
        if (fault === undefined) continue;
        this.#logger.log(
          "warn",
          `crypto provider ${provider.name} refused for ${method.name}: ${fault}`,
        );
      }
      const chosen = this.#choice.chosen(method);
      if (chosen === undefined) {
        throw unserved(this.#wanted, method, this.#found);
      }
      this.#used.add(method);
      this.#logger.log(
        "debug",
        `${method.name} is computed by ${chosen.name} ${chosen.version}`,
      );
    }
  }

  get #allowed(): AeadProvider[] {
    return this.#found.flatMap((one) =>
      "provider" in one &&
        (this.#wanted === "auto" || one.provider.name === this.#wanted)
        ? [one.provider]
        : []
    );
  }
}

/** What `umbra check crypto` prints. */
export function cryptoTable(): string {
  const results = systemProviders();
  const choice = chooseProviders(METHODS);
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
