/**
 * A certificate for 127.0.0.1 from an untrusted authority, made by OpenSSL.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A server's certificate, and the authority that its clients must trust. */
export interface Certificate {
  /** PEM. */
  readonly cert: string;
  /** PEM. */
  readonly key: string;
  /** Path of the authority's certificate, PEM. */
  readonly authority: string;
}

const KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"];

/**
 * Makes a certificate in a folder. @throws {Error} With the message of OpenSSL.
 */
export function makeCertificate(folder: string): Certificate {
  const at = (name: string): string => join(folder, name);
  writeFileSync(
    at("extensions"),
    "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth\n",
  );
  openssl("req", "-x509", ...KEY, "-nodes", "-subj", "/CN=Test authority", [
    ...["-keyout", at("authority.key"), "-out", at("authority.pem")],
  ]);
  openssl("req", ...KEY, "-nodes", "-subj", "/CN=127.0.0.1", [
    ...["-keyout", at("server.key"), "-out", at("server.csr")],
  ]);
  openssl("x509", "-req", "-in", at("server.csr"), "-days", "30", [
    ...["-CA", at("authority.pem"), "-CAkey", at("authority.key")],
    ...["-CAcreateserial", "-extfile", at("extensions")],
    ...["-out", at("server.pem")],
  ]);
  return {
    cert: readFileSync(at("server.pem"), "utf8"),
    key: readFileSync(at("server.key"), "utf8"),
    authority: at("authority.pem"),
  };
}

function openssl(...words: (string | string[])[]): void {
  const { status, stderr, error } = spawnSync("openssl", words.flat(), {
    encoding: "utf8",
  });
  if (status !== 0) throw new Error(`openssl: ${error ?? stderr}`);
}
