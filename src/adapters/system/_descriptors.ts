/**
 * The limit of file descriptors, their number, and a test for a free one.
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
 * Raises the soft limit of this process to the hard limit. Both runtimes do so
 * for programs that run from source; Deno does not for compiled programs. If it
 * is not possible, the limit is not changed.
 */
export function raiseDescriptorLimit(): void {
  const limits = limitsByCall();
  if (limits === undefined || limits[0]! >= limits[1]!) return;
  limits[0] = limits[1]!;
  libc()!.setrlimit(DESCRIPTORS, new Uint8Array(limits.buffer));
}

/** Returns soft and hard limit, from the C library. */
function limitsByCall(): BigUint64Array<ArrayBuffer> | undefined {
  const limits = new BigUint64Array(2);
  const result = libc()?.getrlimit(DESCRIPTORS, new Uint8Array(limits.buffer));
  return result === 0 ? limits : undefined;
}

/**
 * Returns the soft limit of this process.
 *
 * @returns `undefined` if neither `/proc/self/limits`, which Deno may read only
 * with `--allow-all`, nor the C library is available.
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
 * Returns the number of open descriptors. Since Linux 6.2 it is the size of the
 * folder; before that, the entries are counted.
 *
 * @returns `undefined` as above.
 */
export function openDescriptors(): number | undefined {
  try {
    const { size } = statSync("/proc/self/fd");
    // One of the entries is the descriptor that reads the folder.
    return size > 0 ? size : readdirSync("/proc/self/fd").length - 1;
  } catch {
    return undefined;
  }
}

/** True if a descriptor is free now. Other failures count as true. */
export function descriptorAvailable(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return code !== "EMFILE" && code !== "ENFILE";
  }
}
