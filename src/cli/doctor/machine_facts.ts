/**
 * Facts about this machine that need no network: modes of files, owners of
 * ports, the state of the clock, permissions of Deno. A fact is `undefined` if
 * the system or the runtime does not provide it.
 *
 * @module
 */
import {
  existsSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
} from "node:fs";
import { LIBRARIES } from "../../adapters/crypto/openssl.ts";
import { isPermitted, type Permission } from "../../adapters/system/runtime.ts";

/** A process that has a socket. */
export interface Owner {
  readonly pid: number;
  /** The name of the process; the system truncates it to 15 bytes. */
  readonly name: string;
}

/** Returns the permission bits of a file, such as `0o600`. */
export function modeOf(path: string): number | undefined {
  return told(() => statSync(path).mode & 0o777);
}

/**
 * True if systemd-timesyncd has set the clock; other services leave no trace of
 * it.
 */
export function clockIsKept(): boolean | undefined {
  const folder = "/run/systemd/timesync";
  return told(() =>
    existsSync(folder) ? existsSync(`${folder}/synchronized`) : undefined
  );
}

/**
 * Returns the path of OpenSSL's library, if it is in one of the usual places.
 */
export function opensslPath(): string | undefined {
  return told(() =>
    LIBRARIES.find((path) => path.startsWith("/") && existsSync(path))
  );
}

/**
 * Returns the process that listens on a port of this machine. Linux only;
 * processes of other users are visible only to root.
 */
export function ownerOf(port: number, kind: "tcp" | "udp"): Owner | undefined {
  const sockets = [kind, `${kind}6`].flatMap((table) =>
    told(() => listeners(readFileSync(`/proc/net/${table}`, "utf8"), port)) ??
      []
  );
  const wanted = new Set(sockets.map((inode) => `socket:[${inode}]`));
  if (wanted.size === 0) return undefined;
  const pids = told(() =>
    readdirSync("/proc").filter((one) => /^\d+$/.test(one))
  );
  const pid = pids?.find((one) => socketsOf(one).some((s) => wanted.has(s)));
  if (pid === undefined) return undefined;
  const name = told(() => readFileSync(`/proc/${pid}/comm`, "utf8").trim());
  return { pid: Number(pid), name: name ?? "?" };
}

/**
 * Returns the inodes of the sockets that listen on a port, from `/proc/net/tcp`
 * and similar tables. Fields 2, 4 and 10 are local address, state (0A:
 * listening, 07: unconnected UDP socket) and inode (proc(5)).
 */
export function listeners(table: string, port: number): string[] {
  const end = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  return table.split("\n").slice(1).flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
    const listens = state === "0A" || state === "07";
    return listens && local?.endsWith(end) ? [inode!] : [];
  });
}

function socketsOf(pid: string): string[] {
  const folder = `/proc/${pid}/fd`;
  return (told(() => readdirSync(folder)) ?? []).flatMap((descriptor) =>
    told(() => readlinkSync(`${folder}/${descriptor}`)) ?? []
  );
}

/** Returns the flags that Deno lacks for these permissions; none on Bun. */
export function missingFlags(needs: readonly Permission[]): string[] {
  return needs.filter((need) => !isPermitted(need))
    .map(({ name, value }) => `--allow-${name}=${value}`);
}

/**
 * Returns the result of a function; `undefined` if the system forbids the call.
 */
function told<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    // The file does not exist on this system, or may not be read.
    return undefined;
  }
}
