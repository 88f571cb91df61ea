/**
 * The certificate of a port, in two PEM files. They are read at the start, and
 * again when they change.
 *
 * @module
 */
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import type {
  HttpCertificate,
  HttpServer,
} from "../../adapters/net/http_server.ts";
import type { Clock } from "../../clock.ts";
import { ConfigError, messageOf } from "../../errors.ts";
import { CERTIFICATE_LOOK_MS } from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import { fileFailure } from "../file_failure.ts";

/** The paths of a certificate and its key. */
export interface CertificateFiles {
  /** The certificate and its chain, PEM. */
  readonly cert: string;
  /** Its private key, PEM. */
  readonly key: string;
}

/**
 * Reads both files.
 *
 * @throws {ConfigError} `ERR_CONFIG_FILE`, also if the key does not belong to
 * the certificate.
 */
export function readCertificate(
  { cert, key }: CertificateFiles,
): HttpCertificate {
  const texts = { cert: read(cert), key: read(key) };
  const certificate = parsed(
    cert,
    "certificate",
    () => new X509Certificate(texts.cert),
  );
  const isPair = parsed(
    key,
    "private key without a passphrase",
    () => certificate.checkPrivateKey(createPrivateKey(texts.key)),
  );
  if (isPair) return texts;
  throw unusable(key, `the key does not belong to ${cert}`);
}

/** The dependencies of a watch. */
export interface CertificateWatch {
  readonly files: CertificateFiles;
  /** The certificate in use. */
  readonly first: HttpCertificate;
  readonly server: Pick<HttpServer, "renew">;
  /** Name of the server in the log. */
  readonly what: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Gives a server the new certificate whenever the files change. Files that
 * cannot be used are logged once; the server keeps its certificate.
 *
 * @returns A function that ends the watch.
 */
export function watchCertificate(
  { files, first, server, what, clock, logger }: CertificateWatch,
): () => Promise<void> {
  let current = first;
  let complaint = "";
  let renewing = Promise.resolve();
  const renew = async (next: HttpCertificate): Promise<void> => {
    try {
      await server.renew(next);
      logger.log("info", `${what}: certificate renewed`);
    } catch (error) {
      logger.log("error", `${what}: cannot listen with a new certificate`, {
        reason: messageOf(error),
      });
    }
  };
  const look = (): void => {
    cancel = clock.schedule(look, CERTIFICATE_LOOK_MS);
    try {
      const next = readCertificate(files);
      complaint = "";
      if (next.cert === current.cert && next.key === current.key) return;
      current = next;
      renewing = renewing.then(() => renew(next));
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      if (error.message === complaint) return;
      complaint = error.message;
      logger.log("warn", `${what}: certificate not renewed`, {
        reason: complaint,
      });
    }
  };
  let cancel = clock.schedule(look, CERTIFICATE_LOOK_MS);
  return () => {
    cancel();
    return renewing;
  };
}

function read(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    throw unusable(path, fileFailure(error, "read"), error);
  }
}

function parsed<T>(path: string, what: string, parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    // OpenSSL's error about a key does not help the operator.
    throw unusable(path, `expected a ${what} in PEM`, error);
  }
}

function unusable(path: string, why: string, cause?: unknown): ConfigError {
  return new ConfigError("ERR_CONFIG_FILE", `Cannot use ${path}: ${why}`, {
    cause,
  });
}
