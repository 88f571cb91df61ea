/**
 * Calls C functions of a shared library, the same way on Deno and Bun.
 *
 * @module
 */
import process from "node:process";

/** The C type of a parameter or a result. A buffer is borrowed for the call. */
export type ForeignType = "pointer" | "buffer" | "i32" | "u32" | "usize";

/** The types of a C function. */
export interface Signature {
  readonly parameters: readonly ForeignType[];
  /** The type of the result, or `void`. */
  readonly result: ForeignType | "void";
  /**
   * Set if Deno runs the function in a thread and returns a promise; Bun does
   * not support it.
   */
  readonly nonblocking?: true;
}

/** An address in C's memory. Deno and Bun have different types for it. */
export type Pointer = { readonly pointer: unique symbol } | null;

/** A value for a parameter of 64 bits, made by {@link toUsize}. */
export type Usize = { readonly usize: unique symbol };

/**
 * Returns a value for a parameter of the type `usize`. Deno's fast calls take
 * only a `bigint` for 64 bits: with a number, V8 discards the compiled code of
 * the caller, every time (decision 0158). Bun is faster with a number.
 */
export const toUsize = ("Deno" in globalThis ? BigInt : Number) as unknown as (
  value: number,
) => Usize;

/** A foreign function. Calls are not checked against its {@link Signature}. */
export type ForeignFunction = (
  ...parameters: (Pointer | Uint8Array | number | Usize)[]
) => unknown;

/**
 * Loads a library and finds functions in it.
 *
 * The library stays loaded until the process ends, because its functions may be
 * called at any time.
 *
 * @param path Full path, or a name for the system's loader. Deno's
 * `--allow-ffi` must contain exactly this path, or be unrestricted.
 * @returns The functions by name.
 * @throws {Error} If the library, a function or the permission is missing.
 */
export function openLibrary<Name extends string>(
  path: string,
  signatures: Readonly<Record<Name, Signature>>,
): Record<Name, ForeignFunction> {
  return "Deno" in globalThis
    ? openWithDeno(path, signatures)
    : openWithBun(path, signatures);
}

/**
 * Opens the first library that exists, is permitted and has the functions.
 *
 * @param paths Paths or names of libcrypto, the best first.
 * @param use Makes a provider from the functions; may throw.
 * @throws {Error} With the reason of the last path.
 */
export function openFirst<Name extends string, T>(
  paths: readonly string[],
  signatures: Readonly<Record<Name, Signature>>,
  use: (functions: Record<Name, ForeignFunction>, path: string) => T,
): T {
  let reason = "no path was given";
  for (const path of paths) {
    try {
      return use(openLibrary(path, signatures), path);
    } catch (error) {
      // The next path may exist and be permitted.
      reason = (error as Error).message;
    }
  }
  throw new Error(`libcrypto cannot be used: ${reason}`);
}

function openWithDeno<Name extends string>(
  path: string,
  signatures: Readonly<Record<Name, Signature>>,
): Record<Name, ForeignFunction> {
  // A permission request could open a prompt on the operator's terminal, so the
  // permission is only queried.
  const { state } = Deno.permissions.querySync({ name: "ffi", path });
  if (state !== "granted") {
    throw new Error(`Deno was not granted --allow-ffi=${path}`);
  }
  const { symbols } = Deno.dlopen(
    path,
    signatures as Readonly<Record<Name, Deno.ForeignFunction>>,
  );
  return symbols as unknown as Record<Name, ForeignFunction>;
}

/** The part of `bun:ffi` used here. */
interface BunFfi {
  dlopen(
    path: string,
    symbols: Record<string, { args: readonly string[]; returns: string }>,
  ): { symbols: Record<string, ForeignFunction> };
}

const BUN_TYPES: Readonly<Record<ForeignType | "void", string>> = {
  pointer: "ptr",
  buffer: "ptr",
  i32: "i32",
  u32: "u32",
  usize: "usize",
  void: "void",
};

function openWithBun<Name extends string>(
  path: string,
  signatures: Readonly<Record<Name, Signature>>,
): Record<Name, ForeignFunction> {
  // Deno would resolve an `import` of this module and fail.
  const ffi = process.getBuiltinModule("bun:ffi") as unknown as BunFfi;
  const symbols = Object.entries<Signature>(signatures).map((
    [name, { parameters, result }],
  ) => [name, {
    args: parameters.map((type) => BUN_TYPES[type]),
    returns: BUN_TYPES[result],
  }]);
  return ffi.dlopen(path, Object.fromEntries(symbols)).symbols as Record<
    Name,
    ForeignFunction
  >;
}
