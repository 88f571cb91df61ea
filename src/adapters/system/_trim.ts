/**
 * Returns freed memory from the C library to the system.
 *
 * @module
 */
import { openLibrary } from "../crypto/_library.ts";
import { LIBRARIES } from "../crypto/openssl.ts";

/**
 * Finds the function that returns freed memory to the system. glibc keeps it:
 * on Deno tens of megabytes after a load. Bun has its own allocator.
 *
 * @returns A function that does nothing if the C library has no such function,
 * like musl, or calling it is not permitted.
 */
export function memoryTrimmer(): () => void {
  if (!("Deno" in globalThis)) return () => {};
  for (const path of LIBRARIES) {
    try {
      // A library also gives access to its dependencies, and this library is
      // permitted already.
      const { malloc_trim } = openLibrary(path, {
        malloc_trim: { parameters: ["u32"], result: "i32" },
      });
      return () => {
        malloc_trim(0);
      };
    } catch {
      // The next path may exist and be permitted.
    }
  }
  return () => {};
}
