/**
 * Free memory that the C library keeps.
 *
 * @module
 */
import { openLibrary } from "../crypto/_library.ts";
import { LIBRARIES } from "../crypto/openssl.ts";

/**
 * Finds what gives the system back what was freed: glibc keeps it, on Deno tens
 * of megabytes after a load. Bun has an allocator of its own.
 *
 * @returns Does nothing where there is no such function, as with musl, or no
 * permission to call it.
 */
export function memoryTrimmer(): () => void {
  if (!("Deno" in globalThis)) return () => {};
  for (const path of LIBRARIES) {
    try {
      // A library finds what those it needs have, and is permitted already.
      const { malloc_trim } = openLibrary(path, {
        malloc_trim: { parameters: ["u32"], result: "i32" },
      });
      return () => {
        malloc_trim(0);
      };
    } catch {
      // The next path may be there, and permitted, where this one is not.
    }
  }
  return () => {};
}
