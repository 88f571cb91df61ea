/**
 * A real DNS server on loopback, and `dig` to ask it.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { Program, runToEnd, waitForPort } from "./process.ts";
import { announceSkip } from "./report.ts";
import type { Address } from "./tcp.ts";

/** A name that the server knows, and its address. */
export const KNOWN_NAME = "known.umbra.test";
/** Its address. */
export const KNOWN_ADDRESS = "192.0.2.77";
/** A name whose TXT records do not fit into a UDP answer of 512 bytes. */
export const LARGE_NAME = "large.umbra.test";

/** Why it is not available; false if it is. */
export const DNS_SKIP: string | false = missing("dnsmasq", "dnsmasq-base") ||
  missing("dig", "bind9-dnsutils");

if (DNS_SKIP) announceSkip(DNS_SKIP);

/**
 * Starts dnsmasq, which answers only from its own table.
 *
 * @param records Options with further records, before the usual ones.
 */
export async function startDnsServer(
  { host, port }: Address,
  records: readonly string[] = [],
): Promise<Program> {
  const large = Array.from(
    { length: 8 },
    (_, i) => `--txt-record=${LARGE_NAME},${String(i).repeat(200)}`,
  );
  const program = await Program.start([
    ...["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts"],
    ...["--conf-file=/dev/null", "--pid-file=", "--user=", "--bind-interfaces"],
    `--listen-address=${host}`,
    `--port=${port}`,
    ...records,
    `--host-record=${KNOWN_NAME},${KNOWN_ADDRESS},60`,
    ...large,
  ]);
  await waitForPort(port);
  return program;
}

/** Asks with dig. @returns Its output with `+short`. */
export async function dig(
  { host, port }: Address,
  ...question: readonly string[]
): Promise<string> {
  const { output } = await runToEnd([
    ...["dig", `@${host}`, "-p", `${port}`, "+short", "+tries=2", "+time=2"],
    ...question,
  ], 10_000);
  return output;
}

function missing(program: string, aptPackage: string): string | false {
  const { error } = spawnSync(program, ["-v"], { timeout: 10_000 });
  return error !== undefined &&
    `${program} not found: apt-get install -y ${aptPackage}`;
}
