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
import { nobleProvider } from "../../crypto/noble.ts";
import {
  ProviderChoice,
  type ProviderTrial,
  tryProviders,
} from "../../crypto/provider_choice.ts";
import { ConfigError } from "../../errors.ts";
import { SLOW_CRYPTO_MIB } from "../../limits.ts";
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
      this.#try(method, this.#allowed.filter((one) => one !== nobleProvider));
      if (!this.#choice.supports(method)) {
        this.#try(method, this.#allowed.filter((one) => one === nobleProvider));
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
      this.#tellSlow(method, chosen);
    }
  }

  /** A library that is missing is no fault, but the operator can mend it. */
  #tellSlow(method: Method, chosen: AeadProvider): void {
    const missing = this.#found.find((one) => "reason" in one);
    if (this.#wanted !== "auto" || missing === undefined) return;
    // Not even OpenSSL has it.
    if (method.algorithm === "xchacha20-poly1305") return;
    const speed = this.#choice.speed(method);
    if (speed >= SLOW_CRYPTO_MIB) return;
    this.#logger.log(
      "warn",
      `${method.name} is slow here: ${chosen.name} computes ` +
        `${
          Math.round(speed)
        } MiB/s, OpenSSL's libcrypto some thousand; install ` +
        `it (libssl3 in Debian), or see why it is not used: umbra check crypto`,
    );
  }

  /** Noble is tried last and alone: whatever is native is faster. */
  #try(method: Method, providers: readonly AeadProvider[]): void {
    const trials = tryProviders(providers, [method], SYSTEM);
    this.#choice.add(trials);
    for (const { provider, fault } of trials) {
      if (fault === undefined) continue;
      this.#logger.log(
        "warn",
        `crypto provider ${provider.name} refused for ${method.name}: ${fault}`,
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
