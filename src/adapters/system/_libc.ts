/**
 * The functions of Linux's C library that neither runtime offers.
 *
 * @module
 */
import process from "node:process";
import {
  type ForeignFunction,
  openLibrary,
  type Signature,
} from "../crypto/_library.ts";

type Name =
  | "getrlimit"
  | "setrlimit"
  | "socket"
  | "sendto"
  | "recvfrom"
  | "getsockname"
  | "getsockopt"
  | "setsockopt"
  | "close";

const SYMBOLS: Readonly<Record<Name, Signature>> = {
  // resource, struct rlimit
  getrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  setrlimit: { parameters: ["i32", "buffer"], result: "i32" },
  // domain, type, protocol
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  // socket, data, length, flags, address, length of it
  sendto: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"],
    result: "i32",
  },
  // socket, room, length, flags, address, length of it
  recvfrom: {
    parameters: ["i32", "buffer", "usize", "i32", "buffer", "buffer"],
    result: "i32",
  },
  // socket, address, length of it
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  // socket, level, option, value, length of it
  getsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "buffer"],
    result: "i32",
  },
  setsockopt: {
    parameters: ["i32", "i32", "i32", "buffer", "u32"],
    result: "i32",
  },
  close: { parameters: ["i32"], result: "i32" },
};

type Libc = Readonly<Record<Name, ForeignFunction>>;

/**
 * Possible paths of the library, for glibc and musl. Full paths come first,
 * because a restricted `--allow-ffi` permits only these.
 */
export const C_LIBRARIES: readonly string[] = [
  "/usr/lib/x86_64-linux-gnu/libc.so.6",
  "/lib/x86_64-linux-gnu/libc.so.6",
  "/usr/lib/aarch64-linux-gnu/libc.so.6",
  "/lib/aarch64-linux-gnu/libc.so.6",
  "/usr/lib64/libc.so.6",
  "/lib64/libc.so.6",
  "/usr/lib/libc.so.6",
  "/lib/libc.so.6",
  "/lib/libc.musl-x86_64.so.1",
  "/lib/libc.musl-aarch64.so.1",
  "libc.so.6",
];

let known: Libc | undefined | null = null;

/**
 * Returns the functions; `undefined` on other systems, and if Deno was not
 * granted `--allow-ffi` for the library.
 */
export function libc(): Libc | undefined {
  if (known === null) {
    try {
      known = openLibc(SYMBOLS);
    } catch {
      known = undefined;
    }
  }
  return known;
}

/**
 * Finds functions of the C library on Linux.
 *
 * @throws {Error} With the reason if the library is missing, or Deno was not
 * granted `--allow-ffi` for it.
 */
export function openLibc<Name extends string>(
  symbols: Readonly<Record<Name, Signature>>,
): Record<Name, ForeignFunction> {
  if (process.platform !== "linux") throw new Error("this is not Linux");
  let reason: unknown;
  for (const path of C_LIBRARIES) {
    try {
      return openLibrary(path, symbols);
    } catch (error) {
      // The next path may be permitted.
      reason ??= error;
    }
  }
  throw reason;
}
