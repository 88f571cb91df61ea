/**
 * Chooses crypto providers for running services, and prints them as a table.
 *
 * @module
 */
import {
  chooseProviders,
  type CipherChoice,
  present,
  type ProviderResult,
  systemKeyStreams,
  systemProviders,
} from "../../adapters/crypto/providers.ts";
import { systemHmacs } from "../../adapters/crypto/hmacs.ts";
import { systemClock } from "../../clock.ts";
import type { AeadProvider } from "../../crypto/aead.ts";
import type { Choice, Trial } from "../../crypto/choice.ts";
import type { KeyStreamProvider } from "../../crypto/key_stream.ts";
import {
  KeyStreamChoice,
  tryKeyStreams,
} from "../../crypto/key_stream_choice.ts";
import { useHmac } from "../../crypto/legacy_digest.ts";
import { type AeadMethod, type Method, METHODS } from "../../crypto/method.ts";
import { nobleProvider } from "../../crypto/noble.ts";
import { ProviderChoice, tryProviders } from "../../crypto/provider_choice.ts";
import {
  findStreamMethod,
  STREAM_METHODS,
  type StreamMethod,
} from "../../crypto/stream_methods.ts";
import { ConfigError } from "../../errors.ts";
import { SLOW_CRYPTO_MIB } from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import { systemRandomBytes } from "../../random.ts";
import { textTable } from "../text_table.ts";

/** The name and version of a provider of either kind. */
export type ProviderName = Pick<AeadProvider, "name" | "version">;

/** A method of either kind, by name. */
type Named = Pick<Method, "name">;

/** Returns the choice for a method: AEAD or key stream. */
export function choiceOf(
  method: Method,
  { aeadProvider, keyStreamProvider }: CipherChoice,
): Choice<Named, ProviderName> {
  return "ivLength" in method ? keyStreamProvider : aeadProvider;
}

/** The providers of the methods in use. Methods may be added. */
export class ProvidersInUse {
  /** The providers for services, for all prepared methods. */
  readonly choice: CipherChoice = {
    aeadProvider: new ProviderChoice([]),
    keyStreamProvider: new KeyStreamChoice([]),
  };
  readonly #wanted: string;
  readonly #logger: Logger;
  readonly #found: ProviderResult[] = systemProviders();
  /**
   * The key stream providers; looked for when the first stream cipher is used.
   */
  #foundKeyStreams: ProviderResult<KeyStreamProvider>[] | undefined;
  readonly #prepared = new Set<Method>();
  #used: ReadonlySet<Method> = new Set();
  #hmacIsTried = false;

  /** @param wanted `auto`, or the name of the only allowed provider. */
  constructor(wanted: string, logger: Logger) {
    this.#wanted = wanted;
    this.#logger = logger;
  }

  /** The methods in use, each with its provider. */
  get chosen(): { readonly method: string; readonly provider: string }[] {
    return [...this.#used].filter(isComputed).map((method) => ({
      method: method.name,
      provider: choiceOf(method, this.choice).chosen(method)!.name,
    }));
  }

  /** The methods in use that do not detect changes of the traffic. */
  get unprotected(): string[] {
    const names = [...this.#used].filter(({ family }) => !family.authenticates)
      .map(({ name }) => name);
    return [...new Set(names)];
  }

  /**
   * Sets the methods in use.
   *
   * @param methods The methods; repetitions have no effect.
   * @throws {ConfigError} See {@link ProvidersInUse.prepare}; nothing has
   * changed then.
   */
  serve(methods: Iterable<Method>): void {
    const used = new Set(methods);
    this.prepare(used);
    this.#used = used;
  }

  /**
   * Chooses a provider for each new method, and logs it.
   *
   * @param methods The methods; repetitions have no effect.
   * @throws {ConfigError} `ERR_CRYPTO_PROVIDER` if a method has no provider.
   */
  prepare(methods: Iterable<Method>): void {
    for (const method of new Set(methods)) {
      if (this.#prepared.has(method)) continue;
      if (!isComputed(method)) {
        this.#prepared.add(method);
        continue;
      }
      const trials = "ivLength" in method
        ? this.#tryKeyStreams(method)
        : this.#tryAead(method);
      for (const { provider, fault } of trials) {
        if (fault === undefined) continue;
        this.#logger.log(
          "warn",
          `crypto provider ${provider.name} refused for ${method.name}: ${fault}`,
        );
      }
      if (method.userKind === "uid") this.#takeNativeHmac();
      const chosen = choiceOf(method, this.choice).chosen(method);
      if (chosen === undefined) throw this.#unserved(method);
      this.#prepared.add(method);
      this.#logger.log(
        "debug",
        `${method.name} is computed by ${chosen.name} ${chosen.version}`,
      );
      if (!("ivLength" in method)) this.#tellSlow(method, chosen);
    }
  }

  /** Uses a native HMAC, because each packet of ShadowsocksR has two HMACs. */
  #takeNativeHmac(): void {
    if (this.#hmacIsTried) return;
    this.#hmacIsTried = true;
    for (const hmac of systemHmacs(this.#wanted)) {
      const fault = useHmac(hmac, systemRandomBytes);
      if (fault === undefined) return;
      this.#logger.log("warn", `HMAC of ${hmac.name} refused: ${fault}`);
    }
  }

  /**
   * Warns if OpenSSL is missing and a method is slow. The missing library is
   * not an error, but the operator can install it.
   */
  #tellSlow(method: AeadMethod, chosen: ProviderName): void {
    const missing = this.#found.find((one) => "reason" in one);
    if (this.#wanted !== "auto" || missing === undefined) return;
    // OpenSSL does not have XChaCha20 either.
    if (method.algorithm === "xchacha20-poly1305") return;
    const speed = this.choice.aeadProvider.speed(method);
    if (speed >= SLOW_CRYPTO_MIB) return;
    this.#logger.log(
      "warn",
      `${method.name} is slow on this machine: ${chosen.name} reaches ` +
        `${
          Math.round(speed)
        } MiB/s, OpenSSL's libcrypto more than 1000; install ` +
        `libcrypto (libssl3 in Debian), or run umbra check crypto to see why it is not used`,
    );
  }

  /**
   * Tests native providers first. Noble is tested only if no native provider
   * passes, because every native provider is faster.
   */
  #tryAead(method: AeadMethod): readonly Trial<Named, ProviderName>[] {
    const choice = this.choice.aeadProvider;
    const allowed = this.#allowed(this.#found);
    const native = allowed.filter((one) => one !== nobleProvider);
    const trials = tryProviders(native, [method], SYSTEM);
    choice.add(trials);
    if (choice.supports(method)) return trials;
    const last = tryProviders(
      allowed.filter((one) => one === nobleProvider),
      [method],
      SYSTEM,
    );
    choice.add(last);
    return [...trials, ...last];
  }

  #tryKeyStreams(
    method: StreamMethod,
  ): readonly Trial<Named, ProviderName>[] {
    this.#foundKeyStreams ??= systemKeyStreams();
    const allowed = this.#allowed(this.#foundKeyStreams);
    const trials = tryKeyStreams(
      allowed,
      [findStreamMethod(method.name)!],
      SYSTEM,
    );
    this.choice.keyStreamProvider.add(trials);
    return trials;
  }

  #allowed<P extends ProviderName>(found: readonly ProviderResult<P>[]): P[] {
    return present(found).filter(({ name }) =>
      this.#wanted === "auto" || name === this.#wanted
    );
  }

  #unserved(method: Method): ConfigError {
    const wanted = this.#wanted;
    const reason = "ivLength" in method
      ? whyNoKeyStream(wanted, method, this.#foundKeyStreams ?? [])
      : absence(wanted, this.#found) ?? "it does not support the method";
    const advice = wanted === "auto"
      ? ""
      : "; use --crypto auto, see `umbra check crypto`";
    return new ConfigError(
      "ERR_CRYPTO_PROVIDER",
      `--crypto ${wanted} cannot serve ${method.name}: ${reason}${advice}`,
    );
  }
}

/**
 * True if a provider computes the method. lightsocks uses a table of its own.
 */
function isComputed(method: Method): boolean {
  return !("ivLength" in method) || findStreamMethod(method.name) !== undefined;
}

/** Returns the output of `umbra check crypto`. */
export function cryptoTable(): string {
  const results = systemProviders();
  const { aeadProvider, keyStreamProvider } = chooseProviders([
    ...METHODS,
    ...STREAM_METHODS,
  ]);
  const rows = [aeadProvider, keyStreamProvider].flatMap((choice) =>
    choice.trials.map((trial) => row(trial, choice))
  );
  const missing = STREAM_METHODS.flatMap((method) => {
    const lack = keyStreamProvider.lacks(method);
    return lack === undefined ? [] : [`${method.name}: ${lack}\n`];
  });
  const absent = results.flatMap((one) =>
    "reason" in one ? [`${one.name} is not available: ${one.reason}\n`] : []
  );
  const heading = ["METHOD", "PROVIDER", "MiB/s", "", "VERSION"];
  return textTable([heading, ...rows], heading.indexOf("MiB/s")) +
    absent.join("") +
    missing.join("") +
    "The chosen provider is the fastest that passes the self-test; for AEAD " +
    "methods OpenSSL also if another is up to half as fast again. MiB/s is " +
    "the speed of one core, for AEAD methods that of a session of four short " +
    "chunks and a full one. " +
    "Stream ciphers, from " +
    "aes-256-cfb on, need --allow-legacy.\n";
}

const SYSTEM = { clock: systemClock, randomBytes: systemRandomBytes };

function row(
  { method, provider, fault, speed }: Trial<Named, ProviderName>,
  choice: Choice<Named, ProviderName>,
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

/** Returns why a provider is not available. */
function absence<P>(
  name: string,
  found: readonly ProviderResult<P>[],
): string | undefined {
  return found.flatMap((one) =>
    "reason" in one && one.name === name ? [one.reason] : []
  )[0];
}

/**
 * Returns why there is no key stream. OpenSSL supports most ciphers, so the
 * message says what it lacks.
 */
function whyNoKeyStream(
  wanted: string,
  method: StreamMethod,
  found: readonly ProviderResult<KeyStreamProvider>[],
): string {
  const name = wanted === "auto" ? "openssl" : wanted;
  const provider = present(found).find((one) => one.name === name);
  return provider === undefined
    ? `the method needs libcrypto of OpenSSL 3: ${absence(name, found)}`
    : provider.lacks(method) ?? "every provider of it was refused";
}
