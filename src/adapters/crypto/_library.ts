/**
 * C functions of a shared library, called the same way on Deno and Bun.
 *
 * @module
 */
import process from "node:process";

/**
 * A type of a parameter or a result in C. Buffers are borrowed for the call.
 */
export type ForeignType = "pointer" | "buffer" | "i32" | "u32" | "usize";

/** A C function: what it takes, what it gives. */
export interface Signature {
  readonly parameters: readonly ForeignType[];
  /** `void`, or what it returns. */
  readonly result: ForeignType | "void";
  /** Runs in a thread of Deno's and gives a promise; not for Bun. */
  readonly nonblocking?: true;
}

/** An address in C's memory. Deno and Bun have each their own type for it. */
export type Pointer = { readonly pointer: unique symbol } | null;

/** A foreign function; nothing checks it against its {@link Signature}. */
export type ForeignFunction = (
  ...parameters: (Pointer | Uint8Array | number)[]
) => unknown;

/**
 * Loads a library and finds functions in it.
 *
 * The library stays loaded as long as the process lives: a function of it may
 * be called at any time.
 *
 * @param path Full path, or a name for the system's loader. Deno's
 * `--allow-ffi` must name it exactly so, or everything.
 * @returns The functions by name.
 * @throws {Error} When the library, one of the functions or the permission is
 * missing.
 */
export function openLibrary<Name extends string>(
  path: string,
  signatures: Readonly<Record<Name, Signature>>,
): Record<Name, ForeignFunction> {
  return "Deno" in globalThis
    ? openWithDeno(path, signatures)
    : openWithBun(path, signatures);
}

function openWithDeno<Name extends string>(
  path: string,
  signatures: Readonly<Record<Name, Signature>>,
): Record<Name, ForeignFunction> {
  // Asked for, a permission may put a question on the operator's terminal.
  const { state } = Deno.permissions.querySync({ name: "ffi", path });
  if (state !== "granted") {
    throw new Error(`Deno was not given --allow-ffi=${path}`);
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
  // Deno would look for a module of that name at an `import`.
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
