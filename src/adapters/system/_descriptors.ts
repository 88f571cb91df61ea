/**
 * How many file descriptors there are, and whether one is left.
 *
 * @module
 */
import {
  closeSync,
  openSync,
  readdirSync,
  readFileSync,
  statSync,
} from "node:fs";
import { libc } from "./_libc.ts";

/** `RLIMIT_NOFILE` of Linux. */
const DESCRIPTORS = 7;

/**
 * Raises the soft limit of this process to the hard one, as both runtimes do for
 * programs that are run from source; Deno does not for what it has compiled.
 * Where that is not possible the limit stays as it is.
 */
export function raiseDescriptorLimit(): void {
  const limits = limitsByCall();
  if (limits === undefined || limits[0]! >= limits[1]!) return;
  limits[0] = limits[1]!;
  libc()!.setrlimit(DESCRIPTORS, new Uint8Array(limits.buffer));
}

/** Soft and hard limit, as the C library has them. */
function limitsByCall(): BigUint64Array<ArrayBuffer> | undefined {
  const limits = new BigUint64Array(2);
  const result = libc()?.getrlimit(DESCRIPTORS, new Uint8Array(limits.buffer));
  return result === 0 ? limits : undefined;
}

/**
 * Reads the soft limit of this process.
 *
 * @returns `undefined` where there is neither a `/proc/self/limits` that Deno
 * lets us read, for which it asks for `--allow-all`, nor a C library that we may
 * ask.
 */
export function descriptorLimit(): number | undefined {
  let text: string;
  try {
    text = readFileSync("/proc/self/limits", "utf8");
  } catch {
    const soft = limitsByCall()?.[0];
    return soft === undefined ? undefined : Number(soft);
  }
  const limit = /^Max open files +(\d+)/m.exec(text)?.[1];
  return limit === undefined ? undefined : Number(limit);
}

/**
 * Counts what is open now. Linux 6.2 has the number as the size of the folder;
 * before that, its entries are counted.
 *
 * @returns `undefined` as above.
 */
export function openDescriptors(): number | undefined {
  try {
    const { size } = statSync("/proc/self/fd");
    // The descriptor that reads the folder is one of those in it.
    return size > 0 ? size : readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}

/** True if a descriptor can be had right now; other failures count as yes. */
export function descriptorAvailable(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return code !== "EMFILE" && code !== "ENFILE";
  }
}
