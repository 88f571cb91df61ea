/**
 * Converts error codes to SOCKS5 reply codes, and reply codes to errors.
 *
 * Source: RFC 1928 §6.
 *
 * @module
 */
import {
  type ErrorCode,
  PolicyError,
  TransportError,
  type UmbraError,
} from "../errors.ts";
import { REP, type Rep } from "./socks5.ts";

/** The replies by error code; all other codes are a general failure. */
const REP_BY_CODE: Partial<Record<ErrorCode, Rep>> = {
  ERR_NET_REFUSED: REP.connectionRefused,
  ERR_NET_UNREACHABLE: REP.networkUnreachable,
  ERR_NET_ADDRESS_UNAVAILABLE: REP.networkUnreachable,
  ERR_NET_HOST_UNREACHABLE: REP.hostUnreachable,
  ERR_NET_NAME_NOT_FOUND: REP.hostUnreachable,
  ERR_NET_NAME_TEMPORARY: REP.hostUnreachable,
  ERR_NET_TIMEOUT: REP.hostUnreachable,
  ERR_NET_PERMISSION: REP.notAllowed,
  ERR_POLICY_TARGET: REP.notAllowed,
  ERR_ROUTE_BLOCKED: REP.notAllowed,
  ERR_FAKE_IP_UNKNOWN: REP.hostUnreachable,
  ERR_SOCKS_COMMAND: REP.commandNotSupported,
};

/** Returns the reply code for an error. */
export function repOf(code: ErrorCode): Rep {
  return REP_BY_CODE[code] ?? REP.generalFailure;
}

/**
 * Makes the error for a server's reply code.
 *
 * @param rep Any byte but {@link REP.succeeded}.
 */
export function errorOfRep(rep: number): UmbraError {
  const text = `Server could not reach the target: SOCKS reply ${rep}`;
  switch (rep) {
    case REP.notAllowed:
      return new PolicyError("ERR_POLICY_TARGET", text);
    case REP.networkUnreachable:
      return new TransportError("ERR_NET_UNREACHABLE", text);
    case REP.hostUnreachable:
      return new TransportError("ERR_NET_HOST_UNREACHABLE", text);
    case REP.connectionRefused:
      return new TransportError("ERR_NET_REFUSED", text);
    case REP.ttlExpired:
      return new TransportError("ERR_NET_TIMEOUT", text);
    default:
      return new TransportError("ERR_NET_OTHER", text);
  }
}
