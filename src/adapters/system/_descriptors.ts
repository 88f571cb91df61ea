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

/**
 * Reads the soft limit of this process.
 *
 * @returns `undefined` where the system has no `/proc/self/limits`, or Deno
 * does not let us read it: it asks for `--allow-all`, `--allow-read` is not
 * enough.
 */
export function descriptorLimit(): number | undefined {
  let text: string;
  try {
    text = readFileSync("/proc/self/limits", "utf8");
  } catch {
    return undefined;
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

/** Whether a descriptor can be had right now; other failures count as yes. */
export function descriptorAvailable(): boolean {
  try {
    closeSync(openSync("/dev/null", "r"));
    return true;
  } catch (error) {
    const { code } = error as { code?: unknown };
    return code !== "EMFILE" && code !== "ENFILE";
  }
}
