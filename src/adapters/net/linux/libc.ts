/**
 * The Linux calls on which Umbra's own sockets are built.
 *
 * A `Uint8Array` is borrowed for the call. Addresses are numbers and never
 * pointers of the runtime, which would need Deno's unrestricted `--allow-ffi`.
 *
 * @module
 */
import { TransportError } from "../../../errors.ts";
import {
  type ForeignFunction,
  type Signature,
  toUsize,
  type Usize,
} from "../../crypto/_library.ts";
import { openLibc } from "../../system/_libc.ts";
import { toTransportError } from "../_errors.ts";

const I32 = "i32";
const BUFFER = "buffer";

/** Sizes below 4 GiB: Deno returns a number, not a `bigint`, for 32 bits. */
const SIZE = "u32";

type Name =
  | "__errno_location"
  | "mmap"
  | "socket"
  | "bind"
  | "listen"
  | "accept4"
  | "connect"
  | "recv"
  | "send"
  | "sendto"
  | "recvmmsg"
  | "sendmmsg"
  | "socketpair"
  | "shutdown"
  | "close"
  | "setsockopt"
  | "getsockopt"
  | "getsockname"
  | "fcntl"
  | "epoll_create1"
  | "epoll_ctl"
  | "epoll_wait";

const SYMBOLS: Readonly<Record<Name, Signature>> = {
  "__errno_location": { parameters: [], result: "usize" },
  // address, length, protection, flags, descriptor, offset
  mmap: {
    parameters: ["usize", "usize", I32, I32, I32, "usize"],
    result: "usize",
  },
  socket: { parameters: [I32, I32, I32], result: I32 },
  bind: { parameters: [I32, BUFFER, SIZE], result: I32 },
  listen: { parameters: [I32, I32], result: I32 },
  accept4: { parameters: [I32, BUFFER, BUFFER, I32], result: I32 },
  connect: { parameters: [I32, BUFFER, SIZE], result: I32 },
  recv: { parameters: [I32, BUFFER, "usize", I32], result: I32 },
  send: { parameters: [I32, BUFFER, "usize", I32], result: I32 },
  // socket, data, length, flags, address, length of it
  sendto: {
    parameters: [I32, BUFFER, "usize", I32, BUFFER, SIZE],
    result: I32,
  },
  // socket, struct mmsghdr[], their number, flags, time-out: none
  recvmmsg: { parameters: [I32, BUFFER, SIZE, I32, "usize"], result: I32 },
  sendmmsg: { parameters: [I32, BUFFER, SIZE, I32], result: I32 },
  // family, kind, protocol, int[2]
  socketpair: { parameters: [I32, I32, I32, BUFFER], result: I32 },
  shutdown: { parameters: [I32, I32], result: I32 },
  close: { parameters: [I32], result: I32 },
  // socket, level, option, value, length of it
  setsockopt: { parameters: [I32, I32, I32, BUFFER, SIZE], result: I32 },
  getsockopt: { parameters: [I32, I32, I32, BUFFER, BUFFER], result: I32 },
  getsockname: { parameters: [I32, BUFFER, BUFFER], result: I32 },
  fcntl: { parameters: [I32, I32, I32], result: I32 },
  "epoll_create1": { parameters: [I32], result: I32 },
  "epoll_ctl": { parameters: [I32, I32, I32, BUFFER], result: I32 },
  "epoll_wait": { parameters: [I32, BUFFER, I32, I32], result: I32 },
};

/** `memcpy` with other types. */
const COPY_OUT: Readonly<Record<"memcpy", Signature>> = {
  memcpy: { parameters: [BUFFER, "usize", "usize"], result: "void" },
};

const COPY_IN: Readonly<Record<"memcpy", Signature>> = {
  memcpy: { parameters: ["usize", BUFFER, "usize"], result: "void" },
};

type Call = (...parameters: (Uint8Array | number)[]) => number;

/** Calls with parameters of the type `usize`. */
interface WideCalls {
  mmap(
    address: Usize,
    length: Usize,
    protection: number,
    flags: number,
    descriptor: number,
    offset: Usize,
  ): number | bigint;
  recv(
    descriptor: number,
    room: Uint8Array,
    length: Usize,
    flags: number,
  ): number;
  send(
    descriptor: number,
    data: Uint8Array,
    length: Usize,
    flags: number,
  ): number;
  sendto(
    descriptor: number,
    data: Uint8Array,
    length: Usize,
    flags: number,
    address: Uint8Array,
    addressLength: number,
  ): number;
  recvmmsg(
    descriptor: number,
    headers: Uint8Array,
    count: number,
    flags: number,
    timeout: Usize,
  ): number;
}

/** The calls, after {@link loadLibc}. */
export let c:
  & Readonly<Record<Exclude<Name, keyof WideCalls>, Call>>
  & WideCalls;

let copyOut: ForeignFunction;
let copyIn: ForeignFunction;
let errnoAddress = toUsize(0);
let isLoaded = false;

/** The null pointer. */
export const NULL: Usize = toUsize(0);

/**
 * Finds the calls for this thread.
 *
 * @throws {Error} If they are missing or not permitted.
 */
export function loadLibc(): void {
  if (isLoaded) return;
  copyOut = openLibc(COPY_OUT).memcpy;
  copyIn = openLibc(COPY_IN).memcpy;
  c = openLibc(SYMBOLS) as unknown as typeof c;
  errnoAddress = toUsize(Number(c.__errno_location()));
  isLoaded = true;
}

const ERRNO = new Int32Array(1);
const ERRNO_BYTES = new Uint8Array(ERRNO.buffer);
const ERRNO_LENGTH = toUsize(4);

/** Returns why the last call of this thread failed. */
export function errno(): number {
  copyOut(ERRNO_BYTES, errnoAddress, ERRNO_LENGTH);
  return ERRNO[0]!;
}

/** Maps memory that the kernel may use at any time; it is never freed. */
export function mapMemory(length: number): number {
  return map(length, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

/** Maps memory that is shared with the kernel through a descriptor. */
export function mapShared(
  length: number,
  descriptor: number,
  offset: number,
): number {
  return map(length, MAP_SHARED | MAP_POPULATE, descriptor, offset);
}

/**
 * Copies from an address.
 *
 * @param length Number of bytes; default: the length of `bytes`.
 */
export function readMemory(
  address: number,
  bytes: Uint8Array,
  length: number = bytes.length,
): void {
  if (length > 0) copyOut(bytes, toUsize(address), toUsize(length));
}

/**
 * Copies to an address.
 *
 * @param length Number of bytes; default: the length of `bytes`.
 */
export function writeMemory(
  address: number,
  bytes: Uint8Array,
  length: number = bytes.length,
): void {
  if (length > 0) copyIn(toUsize(address), bytes, toUsize(length));
}

/** Returns a descriptor, or throws the error of its call. */
export function checked(result: number, action: string): number {
  if (result < 0) throw failure(errno(), action);
  return result;
}

/** Returns the error for a value of `errno`. */
export function failure(number: number, action: string): TransportError {
  const code = NAMES.get(number) ?? `errno ${number}`;
  return toTransportError(Object.assign(new Error(code), { code }), action);
}

/** Value and length of an option, during one call. */
const VALUE = new Int32Array(1);
const VALUE_BYTES = new Uint8Array(VALUE.buffer);
const VALUE_LENGTH = new Uint32Array(1);
const VALUE_LENGTH_BYTES = new Uint8Array(VALUE_LENGTH.buffer);

/** Sets an option of four bytes. @returns False if the option cannot be set. */
export function setOption(
  descriptor: number,
  [level, option]: Option,
  value: number,
): boolean {
  VALUE[0] = value;
  return c.setsockopt(descriptor, level, option, VALUE_BYTES, 4) === 0;
}

/** Returns an option of four bytes. */
export function getOption(
  descriptor: number,
  [level, option]: Option,
): number {
  VALUE_LENGTH[0] = 4;
  checked(
    c.getsockopt(descriptor, level, option, VALUE_BYTES, VALUE_LENGTH_BYTES),
    "read an option of a socket",
  );
  return VALUE[0]!;
}

/** Level and number of an option. */
export type Option = readonly [level: number, option: number];

export const SOL_SOCKET = 1;
const IPPROTO_IPV6 = 41;

export const SO_REUSEADDR: Option = [SOL_SOCKET, 2];
export const SO_ERROR: Option = [SOL_SOCKET, 4];
export const SO_RCVBUF: Option = [SOL_SOCKET, 8];
export const SO_REUSEPORT: Option = [SOL_SOCKET, 15];
/** An option of `SOL_SOCKET`; its value has eight bytes. */
export const SO_LINGER = 13;
export const SO_SNDBUF: Option = [SOL_SOCKET, 7];
export const SO_KEEPALIVE: Option = [SOL_SOCKET, 9];
/** The value is the name of an interface. */
export const SO_BINDTODEVICE: Option = [SOL_SOCKET, 25];
export const SO_MARK: Option = [SOL_SOCKET, 36];
export const TCP_NODELAY: Option = [6, 1];
/** The value begins with the state of the connection. */
export const TCP_INFO: Option = [6, 11];
export const TCP_SYN_SENT = 2;
/** Seconds without data before the first probe, and between probes. */
export const TCP_KEEPIDLE: Option = [6, 4];
export const TCP_KEEPINTVL: Option = [6, 5];
/** The value is the number of connections that may wait. */
export const TCP_FASTOPEN: Option = [6, 23];
/** Sends the first bytes with the first packet. */
export const TCP_FASTOPEN_CONNECT: Option = [6, 30];
/** The value is in milliseconds. */
export const TCP_USER_TIMEOUT: Option = [6, 18];
export const IP_TOS: Option = [0, 1];
export const IP_TRANSPARENT: Option = [0, 19];
export const IP_RECVORIGDSTADDR: Option = [0, 20];
export const IPV6_V6ONLY: Option = [IPPROTO_IPV6, 26];
export const IPV6_TCLASS: Option = [IPPROTO_IPV6, 67];
export const IPV6_RECVORIGDSTADDR: Option = [IPPROTO_IPV6, 74];
export const IPV6_TRANSPARENT: Option = [IPPROTO_IPV6, 75];
/** The value is an address. */
export const SO_ORIGINAL_DST: Option = [0, 80];
/** The same option of IPv6. */
export const IP6T_SO_ORIGINAL_DST: Option = [IPPROTO_IPV6, 80];

/** The protocol of `socket()` for MPTCP. */
export const IPPROTO_MPTCP = 262;

export const AF_UNIX = 1;
export const AF_INET = 2;
export const AF_INET6 = 10;
export const SOCK_STREAM = 1;
export const SOCK_DGRAM = 2;
/** Hides the descriptor from child processes. */
export const SOCK_CLOEXEC = 0o2000000;
/** Hides the descriptor from child processes, and makes calls non-blocking. */
export const SOCK_FLAGS: number = 0o4000 | SOCK_CLOEXEC;

export const F_SETFL = 4;
export const O_NONBLOCK = 0o4000;

export const MSG_DONTWAIT = 0x40;
/** Returns an error instead of raising a signal that ends the process. */
export const MSG_NOSIGNAL = 0x4000;
export const SHUT_WR = 1;

export const EINTR = 4;
export const EAGAIN = 11;
export const EEXIST = 17;
export const ECONNABORTED = 103;
export const ENOTCONN = 107;
export const EINPROGRESS = 115;

const PROT_READ_WRITE = 1 | 2;
const MAP_SHARED = 0x01;
const MAP_PRIVATE = 0x02;
const MAP_ANONYMOUS = 0x20;
const MAP_POPULATE = 0x8000;

/** Values that are the same on x86-64 and arm64. */
const NAMES: ReadonlyMap<number, string> = new Map([
  [1, "EPERM"],
  [2, "ENOENT"],
  [13, "EACCES"],
  [19, "ENODEV"],
  [22, "EINVAL"],
  [23, "ENFILE"],
  [24, "EMFILE"],
  [32, "EPIPE"],
  [38, "ENOSYS"],
  [90, "EMSGSIZE"],
  [92, "ENOPROTOOPT"],
  [93, "EPROTONOSUPPORT"],
  [97, "EAFNOSUPPORT"],
  [98, "EADDRINUSE"],
  [99, "EADDRNOTAVAIL"],
  [100, "ENETDOWN"],
  [101, "ENETUNREACH"],
  [103, "ECONNABORTED"],
  [104, "ECONNRESET"],
  [107, "ENOTCONN"],
  [110, "ETIMEDOUT"],
  [111, "ECONNREFUSED"],
  [112, "EHOSTDOWN"],
  [113, "EHOSTUNREACH"],
]);

function map(
  length: number,
  flags: number,
  descriptor: number,
  offset: number,
): number {
  const address = Number(
    c.mmap(
      NULL,
      toUsize(length),
      PROT_READ_WRITE,
      flags,
      descriptor,
      toUsize(offset),
    ),
  );
  // MAP_FAILED is -1, as an address or as a number.
  if (address > 0 && address < 2 ** 48) return address;
  throw new TransportError(
    "ERR_NET_OTHER",
    `Cannot map ${length} bytes of memory: ${failure(errno(), "map").message}`,
  );
}
