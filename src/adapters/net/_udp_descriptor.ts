/**
 * Uses the descriptor of a UDP socket on Linux: for the size of its receive
 * buffer, and the number of datagrams that found the buffer full.
 *
 * The runtimes do not reveal the descriptor of a socket. But the system always
 * gives the lowest free number, so the number is known before the socket is
 * opened, and confirmed by the port.
 *
 * @module
 */
import { UDP_RECEIVE_BUFFER } from "../../limits.ts";
import { toUsize } from "../crypto/_library.ts";
import { libc } from "../system/_libc.ts";

/** The descriptor of a UDP socket; see the module. */
export class UdpDescriptor {
  readonly #descriptor: number;
  #lastDrops = 0;
  #isClosed = false;

  /**
   * @param descriptor The descriptor of a UDP socket, which the caller still
   * owns.
   */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Size of the receive buffer that the system has granted, in bytes. */
  get receiveBuffer(): number {
    // The system reports twice the size that it grants, for its own
    // bookkeeping.
    return (option(this.#descriptor, SO_RCVBUF, 1)?.[0] ?? 0) / 2;
  }

  /** Number of datagrams that found the buffer full. */
  get drops(): number {
    if (this.#isClosed) return this.#lastDrops;
    const memory = option(this.#descriptor, SO_MEMINFO, MEMINFO_WORDS);
    return this.#lastDrops = memory?.[MEMINFO_DROPS] ?? this.#lastDrops;
  }

  /**
   * Requests a large buffer, beyond the system's limit if root, else up to the
   * limit.
   */
  enlarge(): void {
    if (setOption(this.#descriptor, SO_RCVBUFFORCE, UDP_RECEIVE_BUFFER)) return;
    setOption(this.#descriptor, SO_RCVBUF, UDP_RECEIVE_BUFFER);
  }

  /**
   * Takes a waiting datagram.
   *
   * @param room Memory for the longest datagram.
   * @param from Receives the sender in the form of the kernel.
   * @returns The length in bytes; -1 if none waits, or on failure.
   */
  tryReceive(room: Uint8Array, from: Uint8Array): number {
    LENGTH[0] = from.length;
    return libc()!.recvfrom(
      this.#descriptor,
      room,
      toUsize(room.length),
      MSG_FLAGS,
      from,
      LENGTH_BYTES,
    ) as number;
  }

  /**
   * Sends a datagram if the system has room now.
   *
   * @param address The target in the form of the kernel, of the socket's
   * family.
   * @returns False if the datagram was not sent, for any reason.
   */
  trySend(payload: Uint8Array, address: Uint8Array): boolean {
    const sent = libc()!.sendto(
      this.#descriptor,
      payload,
      toUsize(payload.length),
      MSG_FLAGS,
      address,
      address.length,
    );
    return sent === payload.length;
  }

  /**
   * Ends the use of the descriptor. It must be called before the socket is
   * closed, because the number may then belong to another file.
   */
  close(): void {
    this.#lastDrops = this.drops;
    this.#isClosed = true;
  }
}

/**
 * Returns the descriptor that the system will give next; `undefined` if libc
 * cannot be called.
 */
export function nextDescriptor(): number | undefined {
  const c = libc();
  if (c === undefined) return undefined;
  const descriptor = c.socket(AF_INET, SOCK_DGRAM, 0) as number;
  if (descriptor < 0) return undefined;
  c.close(descriptor);
  return descriptor;
}

/**
 * Finds the socket that was opened after {@link nextDescriptor}, and requests a
 * large buffer.
 *
 * @param port The port of the socket.
 * @returns `undefined` if the socket was not found.
 */
export function openedAt(
  next: number | undefined,
  port: number,
): UdpDescriptor | undefined {
  if (next === undefined) return undefined;
  // Another thread may have taken the first numbers.
  for (let descriptor = next; descriptor < next + MAX_STEPS; descriptor++) {
    if (!isBoundTo(descriptor, port)) continue;
    const found = new UdpDescriptor(descriptor);
    found.enlarge();
    return found;
  }
  return undefined;
}

function isBoundTo(descriptor: number, port: number): boolean {
  if (option(descriptor, SO_TYPE, 1)?.[0] !== SOCK_DGRAM) return false;
  const address = new Uint8Array(ADDRESS_ROOM);
  const length = new Uint8Array(Uint32Array.of(ADDRESS_ROOM).buffer);
  return libc()!.getsockname(descriptor, address, length) === 0 &&
    (address[2]! << 8 | address[3]!) === port;
}

/** Reads an option of this many words; `undefined` on failure. */
function option(
  descriptor: number,
  option: number,
  words: number,
): Uint32Array | undefined {
  const value = new Uint32Array(words);
  const bytes = new Uint8Array(value.buffer);
  const length = new Uint8Array(Uint32Array.of(bytes.length).buffer);
  const result = libc()!.getsockopt(
    descriptor,
    SOL_SOCKET,
    option,
    bytes,
    length,
  );
  return result === 0 ? value : undefined;
}

function setOption(descriptor: number, option: number, value: number): boolean {
  const bytes = new Uint8Array(Uint32Array.of(value).buffer);
  const { setsockopt } = libc()!;
  return setsockopt(descriptor, SOL_SOCKET, option, bytes, bytes.length) === 0;
}

/** Number of descriptors that other threads may have taken meanwhile. */
const MAX_STEPS = 8;

/** Room for the longest socket address, in bytes. */
const ADDRESS_ROOM = 32;

/** Receives the length of an address. */
const LENGTH = new Uint32Array(1);
const LENGTH_BYTES = new Uint8Array(LENGTH.buffer);

/** MSG_DONTWAIT and MSG_NOSIGNAL. */
const MSG_FLAGS: number = 0x40 | 0x4000;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_RCVBUF = 8;
/** Sets a size beyond the system's limit; needs root. */
const SO_RCVBUFFORCE = 33;
/** Nine numbers; the last one counts datagrams without room. */
const SO_MEMINFO = 55;
const MEMINFO_WORDS = 9;
const MEMINFO_DROPS = 8;
