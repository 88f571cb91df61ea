/**
 * What Linux knows of a UDP socket, by its descriptor: how large its receive
 * buffer is, and how many datagrams found it full.
 *
 * A runtime does not tell the descriptor of a socket, but the system gives the
 * lowest one that is free. So it is known before, and proved by its port.
 *
 * @module
 */
import { UDP_RECEIVE_BUFFER } from "../../limits.ts";
import { libc } from "../system/_libc.ts";

/** See the module. */
export class UdpDescriptor {
  readonly #descriptor: number;
  #lastDrops = 0;
  #isClosed = false;

  /** @param descriptor Of a UDP socket; still owned by the caller. */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Bytes that the system has granted. */
  get receiveBuffer(): number {
    // The system doubles what it grants, for its own bookkeeping.
    return (option(this.#descriptor, SO_RCVBUF, 1)?.[0] ?? 0) / 2;
  }

  /** Datagrams that found the buffer full. */
  get drops(): number {
    if (this.#isClosed) return this.#lastDrops;
    const memory = option(this.#descriptor, SO_MEMINFO, MEMINFO_WORDS);
    return this.#lastDrops = memory?.[MEMINFO_DROPS] ?? this.#lastDrops;
  }

  /**
   * Asks for a large buffer: beyond the system's limit, which root may, or up to
   * it.
   */
  enlarge(): void {
    if (setOption(this.#descriptor, SO_RCVBUFFORCE, UDP_RECEIVE_BUFFER)) return;
    setOption(this.#descriptor, SO_RCVBUF, UDP_RECEIVE_BUFFER);
  }

  /**
   * Takes a datagram that waits.
   *
   * @param room For the longest one.
   * @param from Its sender is written there, as the kernel has it.
   * @returns Its length in bytes; -1 if none waits, or for another reason.
   */
  tryReceive(room: Uint8Array, from: Uint8Array): number {
    LENGTH[0] = from.length;
    return libc()!.recvfrom(
      this.#descriptor,
      room,
      room.length,
      MSG_FLAGS,
      from,
      LENGTH_BYTES,
    ) as number;
  }

  /**
   * Sends a datagram, if the system has room for it at once.
   *
   * @param address Of the family of the socket, as the kernel has it.
   * @returns False if it has not been sent, whatever the reason is.
   */
  trySend(payload: Uint8Array, address: Uint8Array): boolean {
    const sent = libc()!.sendto(
      this.#descriptor,
      payload,
      payload.length,
      MSG_FLAGS,
      address,
      address.length,
    );
    return sent === payload.length;
  }

  /** Call it before the socket is closed: its number is another's then. */
  close(): void {
    this.#lastDrops = this.drops;
    this.#isClosed = true;
  }
}

/** The descriptor that is given next; `undefined` where no call can be made. */
export function nextDescriptor(): number | undefined {
  const c = libc();
  if (c === undefined) return undefined;
  const descriptor = c.socket(AF_INET, SOCK_DGRAM, 0) as number;
  if (descriptor < 0) return undefined;
  c.close(descriptor);
  return descriptor;
}

/**
 * Finds the socket that was opened after {@link nextDescriptor}, and asks for a
 * large buffer.
 *
 * @param port Where it is bound.
 * @returns `undefined` where it is not to be found.
 */
export function openedAt(
  next: number | undefined,
  port: number,
): UdpDescriptor | undefined {
  if (next === undefined) return undefined;
  // Another thread may have been faster.
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

/** An option of so many words; `undefined` where it cannot be had. */
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

/** Descriptors that may have been given to others meanwhile. */
const MAX_STEPS = 8;

/** Bytes of the longest address of a socket, and more. */
const ADDRESS_ROOM = 32;

/** The kernel writes the length of an address there. */
const LENGTH = new Uint32Array(1);
const LENGTH_BYTES = new Uint8Array(LENGTH.buffer);

/** MSG_DONTWAIT and MSG_NOSIGNAL. */
const MSG_FLAGS: number = 0x40 | 0x4000;

const AF_INET = 2;
const SOCK_DGRAM = 2;
const SOL_SOCKET = 1;
const SO_TYPE = 3;
const SO_RCVBUF = 8;
/** Beyond the system's limit; root's alone. */
const SO_RCVBUFFORCE = 33;
/** Nine numbers, of which the last one are datagrams without room. */
const SO_MEMINFO = 55;
const MEMINFO_WORDS = 9;
const MEMINFO_DROPS = 8;
