/**
 * The bill of materials of the program in the form of CycloneDX 1.6: the
 * packages in the program, as pinned by `deno.lock`.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";

/** The part of `deno.lock` that is read. */
export interface Lock {
  readonly npm: Readonly<
    Record<
      string,
      { readonly integrity: string; readonly dependencies?: readonly string[] }
    >
  >;
}

/** The facts for the bill. */
export interface BillOptions {
  readonly version: string;
  /** Time in seconds since 1970. */
  readonly time: number;
  /** Names of the packages that the sources import. */
  readonly imports: readonly string[];
  readonly lock: Lock;
  /** Returns the license of a package, an SPDX expression. */
  license(name: string, version: string): string | undefined;
}

/** Makes the bill as JSON. */
export function bill(options: BillOptions): string {
  const { version, time, lock } = options;
  const ids = reachable(options);
  const main = `pkg:generic/umbra@${version}`;
  const components = ids.map((id) => component(id, options));
  const content = {
    bomFormat: "CycloneDX",
    specVersion: "1.6",
    version: 1,
    metadata: {
      timestamp: new Date(time * 1_000).toISOString(),
      component: {
        type: "application",
        "bom-ref": main,
        name: "umbra",
        version,
        purl: main,
        licenses: [{ license: { id: "MIT" } }],
      },
    },
    components,
    dependencies: [
      { ref: main, dependsOn: options.imports.map((n) => purl(idOf(n, lock))) },
      ...ids.map((id) => ({
        ref: purl(id),
        dependsOn: (lock.npm[id]!.dependencies ?? [])
          .map((name) => purl(idOf(name, lock))),
      })),
    ],
  };
  // Equal content gives the same serial number.
  const hash = createHash("sha256").update(JSON.stringify(content));
  const serialNumber = `urn:uuid:${uuid(hash.digest())}`;
  return `${JSON.stringify({ serialNumber, ...content }, null, 2)}\n`;
}

function component(
  id: string,
  { lock, license }: BillOptions,
): Record<string, unknown> {
  const { name, version } = partsOf(id);
  const spdx = license(name, version);
  const [algorithm, digest] = lock.npm[id]!.integrity.split("-") as [
    string,
    string,
  ];
  return {
    type: "library",
    "bom-ref": purl(id),
    name,
    version,
    purl: purl(id),
    hashes: [{
      alg: algorithm.toUpperCase().replace("SHA", "SHA-"),
      content: Buffer.from(digest, "base64").toString("hex"),
    }],
    // One license, or several joined by SPDX operators.
    ...spdx !== undefined && { licenses: [{ expression: spdx }] },
  };
}

/**
 * Returns the keys of the lock file for imported packages and their
 * dependencies.
 */
function reachable({ imports, lock }: BillOptions): string[] {
  const ids = new Set<string>();
  const visit = (name: string): void => {
    const id = idOf(name, lock);
    if (ids.has(id)) return;
    ids.add(id);
    for (const next of lock.npm[id]!.dependencies ?? []) visit(next);
  };
  for (const name of imports) visit(name);
  return [...ids].sort();
}

/**
 * Returns a package name. A name in the lock file has a version only if there
 * are several.
 */
function idOf(name: string, lock: Lock): string {
  if (name in lock.npm) return name;
  const found = Object.keys(lock.npm).filter((id) => partsOf(id).name === name);
  if (found.length === 1) return found[0]!;
  throw new Error(`deno.lock has ${found.length} packages of the name ${name}`);
}

function partsOf(id: string): { name: string; version: string } {
  const at = id.indexOf("@", 1);
  // The text behind an underscore names the resolved peers.
  return { name: id.slice(0, at), version: id.slice(at + 1).split("_")[0]! };
}

function purl(id: string): string {
  const { name, version } = partsOf(id);
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

/** Formats a UUID of version 8, whose content is free: RFC 9562 §5.8. */
function uuid(hash: Uint8Array): string {
  const bytes = hash.slice(0, 16);
  bytes[6] = bytes[6]! & 0x0f | 0x80;
  bytes[8] = bytes[8]! & 0x3f | 0x80;
  return Buffer.from(bytes).toString("hex")
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
