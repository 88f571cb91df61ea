/**
 * Socket options of the operator. A socket whose options cannot be set is not
 * used: packets without their mark would take another route.
 *
 * @module
 */
import { KEEP_ALIVE_QUESTION_MS, LISTEN_BACKLOG } from "../../../limits.ts";
import type { SocketOptions } from "../../../transport.ts";
import {
  AF_INET6,
  c,
  checked,
  errno,
  failure,
  IP_TOS,
  IPPROTO_MPTCP,
  IPV6_TCLASS,
  type Option,
  setOption,
  SO_BINDTODEVICE,
  SO_KEEPALIVE,
  SO_MARK,
  SO_RCVBUF,
  SO_SNDBUF,
  SOCK_FLAGS,
  SOCK_STREAM,
  TCP_FASTOPEN,
  TCP_FASTOPEN_CONNECT,
  TCP_KEEPIDLE,
  TCP_KEEPINTVL,
  TCP_USER_TIMEOUT,
} from "./libc.ts";

/** Opens a TCP socket. @param action The action for the error message. */
export function openTcp(
  family: number,
  { multipath = false }: SocketOptions,
  action: string,
): number {
  const protocol = multipath ? IPPROTO_MPTCP : 0;
  return checked(
    c.socket(family, SOCK_STREAM | SOCK_FLAGS, protocol),
    multipath ? `${action} by MPTCP` : action,
  );
}

/** Sets the options of a listening socket; accepted sockets inherit them. */
export function setUpListener(
  descriptor: number,
  options: SocketOptions,
): void {
  const { inboundSendBuffer, inboundReceiveBuffer, fastOpen } = options;
  if (fastOpen) set(descriptor, TCP_FASTOPEN, LISTEN_BACKLOG, FAST_OPEN);
  setBuffers(descriptor, inboundSendBuffer, inboundReceiveBuffer);
  setTimes(descriptor, options);
}

/** Sets the options of a TCP socket before it connects. */
export function setUpDial(
  descriptor: number,
  family: number,
  options: SocketOptions,
): void {
  const { outboundSendBuffer, outboundReceiveBuffer, fastOpen } = options;
  if (fastOpen) set(descriptor, TCP_FASTOPEN_CONNECT, 1, FAST_OPEN);
  setUpOutgoing(descriptor, family, options);
  setBuffers(descriptor, outboundSendBuffer, outboundReceiveBuffer);
  setTimes(descriptor, options);
}

/** Sets the options of a TCP or UDP socket whose packets leave this host. */
export function setUpOutgoing(
  descriptor: number,
  family: number,
  { mark, interfaceName, dscp }: SocketOptions,
): void {
  if (mark !== undefined) set(descriptor, SO_MARK, mark, "mark packets");
  if (interfaceName !== undefined) {
    const [level, option] = SO_BINDTODEVICE;
    const name = new TextEncoder().encode(`${interfaceName}\0`);
    checked(
      c.setsockopt(descriptor, level, option, name, name.length),
      `send by the interface ${interfaceName}`,
    );
  }
  if (dscp === undefined) return;
  // The lower two bits belong to congestion notification.
  const value = dscp << 2;
  set(descriptor, IP_TOS, value, "set the class of packets");
  if (family === AF_INET6) {
    set(descriptor, IPV6_TCLASS, value, "set the class of packets");
  }
}

function setBuffers(
  descriptor: number,
  send: number | undefined,
  receive: number | undefined,
): void {
  if (send !== undefined) set(descriptor, SO_SNDBUF, send, BUFFER);
  if (receive !== undefined) set(descriptor, SO_RCVBUF, receive, BUFFER);
}

function setTimes(
  descriptor: number,
  { keepAliveMs, userTimeoutMs }: SocketOptions,
): void {
  if (keepAliveMs !== undefined) {
    const seconds = Math.ceil(keepAliveMs / 1_000);
    const between = Math.min(seconds, KEEP_ALIVE_QUESTION_MS / 1_000);
    set(descriptor, SO_KEEPALIVE, 1, KEEP_ALIVE);
    set(descriptor, TCP_KEEPIDLE, seconds, KEEP_ALIVE);
    set(descriptor, TCP_KEEPINTVL, between, KEEP_ALIVE);
  }
  if (userTimeoutMs !== undefined) {
    set(descriptor, TCP_USER_TIMEOUT, userTimeoutMs, "limit the wait for TCP");
  }
}

function set(
  descriptor: number,
  option: Option,
  value: number,
  action: string,
): void {
  if (!setOption(descriptor, option, value)) throw failure(errno(), action);
}

const BUFFER = "set the size of a buffer";
const FAST_OPEN = "open connections fast";
const KEEP_ALIVE = "keep connections alive";
