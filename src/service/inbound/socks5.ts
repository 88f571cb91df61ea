/**
 * SOCKS5 for applications of `ss-local`: performs the handshake on a connection
 * and turns errors into replies.
 *
 * @module
 */
import { equalBytes, toLatin1 } from "../../bytes.ts";
import type { Address } from "../../codec/address.ts";
import { BIND_TARGET, encodeBindPayload } from "../../codec/bind_request.ts";
import {
  encodeReply,
  REP,
  SOCKS5_COMMAND,
  type Socks5Credentials,
} from "../../codec/socks5.ts";
import { repOf } from "../../codec/socks5_outcome.ts";
import { ProtocolError } from "../../errors.ts";
import {
  type Authenticate,
  Socks5ServerSession,
  type Socks5Step,
} from "../../session/socks5/server_session.ts";
import { hearOut } from "../../streams/hear_out.ts";
import {
  handshakeDeadline,
  type InboundClient,
  type InboundRequest,
  type Send,
} from "./inbound.ts";
import type { Mode } from "../options.ts";

/** A user of the proxy. RFC 1929. */
export interface SocksUser {
  /** The name, 1 to 255 bytes of UTF-8. */
  readonly username: string;
  /** The password, 1 to 255 bytes of UTF-8. */
  readonly password: string;
}

/**
 * Performs the handshake up to the request.
 *
 * @param first The first bytes of the greeting.
 * @returns The request; `undefined` if the application left between two
 * messages.
 * @throws {ProtocolError} Any `ERR_SOCKS_…`, after the refusal was sent; the
 * connection must then be closed.
 */
export async function acceptSocks5(
  client: InboundClient,
  first: Uint8Array,
): Promise<InboundRequest | undefined> {
  const { channel, send } = client;
  using deadline = handshakeDeadline(client);
  const session = new Socks5ServerSession(client.authenticate);
  const take = (bytes: Uint8Array | "end"): Socks5Step | "end" | undefined => {
    if (bytes === "end") return "end";
    session.push(bytes);
    return session.next();
  };
  let step = take(first);
  for (;; step = session.next()) {
    step ??= await hearOut(channel, take, deadline.signal);
    if (step === "end") {
      if (session.betweenMessages) return undefined;
      throw truncated();
    } else if (step.kind === "send") {
      await send(step.bytes);
    } else if (step.kind === "refuse") {
      await send(step.bytes);
      throw step.error;
    } else {
      const { command, address } = step.request;
      if (command === SOCKS5_COMMAND.bind && client.bind) {
        return bindRequest(address, step.rest);
      }
      await checkRequest(command, address, send, client.mode);
      const kind = command === SOCKS5_COMMAND.connect ? "connect" : "associate";
      return { kind, address, payload: step.rest, ...REPLIES };
    }
  }
}

/**
 * Compares user names and passwords in a time that does not reveal which of
 * them match. Neither RFC 1929 nor older clients of RFC 7617 define the
 * encoding, so UTF-8 and Latin-1 are both accepted.
 */
export function userCheck(users: readonly SocksUser[]): Authenticate {
  const known = users.flatMap(({ username, password }) =>
    ENCODINGS.map((encode) => ({
      name: username,
      username: encode(username),
      password: encode(password),
    }))
  );
  return ({ username, password }: Socks5Credentials): string | undefined => {
    let found = 0;
    for (const [i, user] of known.entries()) {
      const sameName = equalBytes(user.username, username);
      const samePassword = equalBytes(user.password, password);
      const isUser = Number(sameName) & Number(samePassword);
      found = isUser * (i + 1) + (1 - isUser) * found;
    }
    return known[found - 1]?.name;
  };
}

const ENCODINGS: readonly ((text: string) => Uint8Array)[] = [
  (text) => new TextEncoder().encode(text),
  // For a text that Latin-1 cannot encode, UTF-8 is used again.
  (text) =>
    [...text].every((character) => character.charCodeAt(0) <= 0xff)
      ? toLatin1(text)
      : new TextEncoder().encode(text),
];

const REPLIES: Pick<InboundRequest, "accept" | "refuse"> = {
  accept: ({ local }) => encodeReply(REP.succeeded, local),
  refuse: (code) => encodeReply(repOf(code)),
};

/**
 * Makes a BIND request. Both replies come from the server, if it supports BIND.
 */
function bindRequest(expected: Address, rest: Uint8Array): InboundRequest {
  return {
    kind: "connect",
    address: BIND_TARGET,
    payload: encodeBindPayload(expected, rest),
    unanswered: "ERR_SOCKS_COMMAND",
    accept: () => new Uint8Array(0),
    refuse: REPLIES.refuse,
  };
}

async function checkRequest(
  command: number,
  address: Address,
  send: Send,
  mode: Mode,
): Promise<void> {
  const error = checkCommand(command, mode) ??
    (command === SOCKS5_COMMAND.connect && address.port === 0
      ? new ProtocolError(
        "ERR_SOCKS_MALFORMED",
        "Application requested a connection to port 0",
      )
      : undefined);
  if (error === undefined) return;
  await send(REPLIES.refuse(error.code));
  throw error;
}

function checkCommand(command: number, mode: Mode): ProtocolError | undefined {
  switch (command) {
    case SOCKS5_COMMAND.connect:
      if (mode !== "udp_only") return undefined;
      break;
    case SOCKS5_COMMAND.udpAssociate:
      if (mode !== "tcp_only") return undefined;
      break;
  }
  const served = mode === "udp_only"
    ? "UDP ASSOCIATE"
    : mode === "tcp_only"
    ? "CONNECT"
    : "CONNECT and UDP ASSOCIATE";
  return new ProtocolError(
    "ERR_SOCKS_COMMAND",
    `Application requested SOCKS command ${command}, only ${served} is served`,
  );
}

/** The error of an application that closes in the middle of a message. */
export function truncated(): ProtocolError {
  return new ProtocolError(
    "ERR_SOCKS_TRUNCATED",
    "Application closed in the middle of a SOCKS message",
  );
}
