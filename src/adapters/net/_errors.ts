/**
 * Converts errors of the runtimes to `TransportError`: by error code, then by
 * class name, then by the beginning of the message if the runtime gives nothing
 * else.
 *
 * @module
 */
import { TransportError, type TransportErrorCode } from "../../errors.ts";

/**
 * The error of every connection that this side has closed. It is made once,
 * because making an error with its stack costs as much as a read.
 */
export const CLOSED: TransportError = new TransportError(
  "ERR_NET_CLOSED",
  "Connection is closed",
);

/**
 * Converts an error of the runtime.
 *
 * @param error Anything thrown; a `TransportError` is returned unchanged.
 * @param action The failed action, for the message: `Cannot ${action}: …`.
 * @returns An error whose cause is `error`.
 */
export function toTransportError(
  error: unknown,
  action: string,
): TransportError {
  if (error instanceof TransportError) return error;
  const { code, name, message } = error instanceof Error
    ? error as Error & { code?: unknown }
    : { code: undefined, name: "", message: String(error) };
  return new TransportError(
    BY_CODE.get(String(code)) ?? BY_NAME.get(name) ?? byMessage(message),
    `Cannot ${action}: ${message}`,
    { cause: error },
  );
}

const BY_CODE: ReadonlyMap<string, TransportErrorCode> = new Map([
  ["ECONNREFUSED", "ERR_NET_REFUSED"],
  ["ENETUNREACH", "ERR_NET_UNREACHABLE"],
  ["ENETDOWN", "ERR_NET_UNREACHABLE"],
  ["EHOSTUNREACH", "ERR_NET_HOST_UNREACHABLE"],
  ["EHOSTDOWN", "ERR_NET_HOST_UNREACHABLE"],
  ["ENOTFOUND", "ERR_NET_NAME_NOT_FOUND"],
  ["ENODATA", "ERR_NET_NAME_NOT_FOUND"],
  ["EAI_NONAME", "ERR_NET_NAME_NOT_FOUND"],
  ["EAI_NODATA", "ERR_NET_NAME_NOT_FOUND"],
  ["EAI_AGAIN", "ERR_NET_NAME_TEMPORARY"],
  ["EAI_FAIL", "ERR_NET_NAME_TEMPORARY"],
  ["ETIMEDOUT", "ERR_NET_TIMEOUT"],
  ["ECONNRESET", "ERR_NET_RESET"],
  ["ECONNABORTED", "ERR_NET_RESET"],
  ["EPIPE", "ERR_NET_RESET"],
  ["ENOTCONN", "ERR_NET_RESET"],
  ["EACCES", "ERR_NET_PERMISSION"],
  ["EPERM", "ERR_NET_PERMISSION"],
  ["EADDRINUSE", "ERR_NET_ADDRESS_IN_USE"],
  ["EADDRNOTAVAIL", "ERR_NET_ADDRESS_UNAVAILABLE"],
  ["EMSGSIZE", "ERR_NET_MESSAGE_SIZE"],
  ["EAFNOSUPPORT", "ERR_NET_UNREACHABLE"],
  ["EMFILE", "ERR_NET_DESCRIPTORS"],
  ["ENFILE", "ERR_NET_DESCRIPTORS"],
]);

/** Deno's error classes, for errors without a code. */
const BY_NAME: ReadonlyMap<string, TransportErrorCode> = new Map([
  ["ConnectionRefused", "ERR_NET_REFUSED"],
  ["NetworkUnreachable", "ERR_NET_UNREACHABLE"],
  ["TimedOut", "ERR_NET_TIMEOUT"],
  ["ConnectionReset", "ERR_NET_RESET"],
  ["ConnectionAborted", "ERR_NET_RESET"],
  ["BrokenPipe", "ERR_NET_RESET"],
  ["NotConnected", "ERR_NET_RESET"],
  ["AddrInUse", "ERR_NET_ADDRESS_IN_USE"],
  ["AddrNotAvailable", "ERR_NET_ADDRESS_UNAVAILABLE"],
  ["PermissionDenied", "ERR_NET_PERMISSION"],
  ["NotCapable", "ERR_NET_PERMISSION"],
  ["BadResource", "ERR_NET_CLOSED"],
  ["Interrupted", "ERR_NET_CLOSED"],
]);

/** Deno gives failures of getaddrinfo neither a code nor a class. */
function byMessage(message: string): TransportErrorCode {
  const prefix = "failed to lookup address information: ";
  if (!message.startsWith(prefix)) return "ERR_NET_OTHER";
  return message.startsWith(`${prefix}Temporary`)
    ? "ERR_NET_NAME_TEMPORARY"
    : "ERR_NET_NAME_NOT_FOUND";
}
