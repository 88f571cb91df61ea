/**
 * Connections through a proxy that sends the client's address in a PROXY
 * protocol header.
 *
 * @module
 */
import { concat, NOTHING } from "../bytes.ts";
import { Deadline } from "../clock.ts";
import { badProxyHeader, readProxyHeader } from "../codec/proxy_header.ts";
import { PROXY_HEADER_TIMEOUT_MS } from "../limits.ts";
import type { StopSignal } from "../on_abort.ts";
import { ByteReader } from "../streams/byte_reader.ts";
import type { Accepted, Connection, Endpoint } from "../transport.ts";
import type { Dependencies } from "./service.ts";

/** True if connections from a host start with a PROXY header. */
export type IsProxy = (host: string) => boolean;

/**
 * Reads the PROXY header.
 *
 * @param signal Its abort ends the wait.
 * @returns The connection with the client's address; `undefined` if the proxy
 * only checks that the server is up.
 * @throws {ProtocolError} `ERR_PROXY_HEADER` if there is no valid header in
 * time.
 * @throws {TransportError} If the connection fails.
 */
export async function introduce(
  { connection, ...accepted }: Accepted,
  signal: AbortSignal,
  { clock }: Required<Dependencies>,
): Promise<Accepted | undefined> {
  using deadline = new Deadline(clock, {
    delayMs: PROXY_HEADER_TIMEOUT_MS,
    parent: signal,
  });
  const reader = new ByteReader(connection);
  for (let bytes = NOTHING;;) {
    const header = readProxyHeader(bytes);
    if (header?.message.isLocal) return undefined;
    if (header !== undefined) {
      const { client } = header.message;
      return {
        ...accepted,
        connection: introduced(connection, {
          reader,
          remote: client ?? connection.remote,
          first: bytes.subarray(header.length),
        }),
        ...client && { via: connection.remote },
      };
    }
    const more = await readBefore(reader, deadline.signal, signal);
    if (more === undefined) {
      if (bytes.length === 0) return undefined;
      throw badProxyHeader("the proxy closed in the middle of it");
    }
    bytes = bytes.length === 0 ? more : concat(bytes, more);
  }
}

/** Returns the next chunk; a timeout is an error of the proxy. */
async function readBefore(
  reader: ByteReader,
  deadline: StopSignal,
  signal: AbortSignal,
): Promise<Uint8Array | undefined> {
  try {
    return await reader.read(deadline);
  } catch (error) {
    if (!deadline.aborted || signal.aborted) throw error;
    throw badProxyHeader(
      `none arrived within ${PROXY_HEADER_TIMEOUT_MS / 1_000} s`,
    );
  }
}

/**
 * Returns the connection with the client's address and the bytes after the
 * header.
 */
function introduced(
  connection: Connection,
  { reader, remote, first }: {
    readonly reader: ByteReader;
    readonly remote: Endpoint;
    readonly first: Uint8Array;
  },
): Connection {
  let left: Uint8Array | undefined = first.length > 0 ? first : undefined;
  const read = (): Promise<Uint8Array | undefined> => {
    if (left === undefined) return reader.read();
    const chunk = left;
    left = undefined;
    return Promise.resolve(chunk);
  };
  return {
    local: connection.local,
    remote,
    get readable(): ReadableStream<Uint8Array> {
      return new ReadableStream({
        async pull(controller): Promise<void> {
          const chunk = await read();
          if (chunk === undefined) controller.close();
          else controller.enqueue(chunk);
        },
      }, { highWaterMark: 0 });
    },
    get writable(): WritableStream<Uint8Array> {
      return connection.writable;
    },
    read,
    ...connection.write && { write: (chunk) => connection.write!(chunk) },
    recycle: (chunk) => connection.recycle?.(chunk),
    closeWrite: () => connection.closeWrite(),
    close: () => connection.close(),
    ...connection.reset && { reset: () => connection.reset!() },
  };
}
