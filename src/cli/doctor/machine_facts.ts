/**
 * What can be learned of this machine without asking anybody else: modes of
 * files, who listens, whether the clock is kept, what Deno was granted. Each
 * is `undefined` where the system or the runtime does not tell.
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
  /** The name, as the system keeps it: 15 letters. */
  readonly name: string;
}

/** Permission bits of a file: `0o600` and the like. */
export function modeOf(path: string): number | undefined {
  return told(() => statSync(path).mode & 0o777);
}

/** True if systemd-timesyncd has set the clock; other keepers do not tell. */
export function clockIsKept(): boolean | undefined {
  const folder = "/run/systemd/timesync";
  return told(() =>
    existsSync(folder) ? existsSync(`${folder}/synchronized`) : undefined
  );
}

/** The path of OpenSSL's library, if it is in one of the usual places. */
export function opensslPath(): string | undefined {
  return told(() =>
    LIBRARIES.find((path) => path.startsWith("/") && existsSync(path))
  );
}

/**
 * Who listens on a port of this machine. Linux only; of other users' processes
 * only root can read.
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
 * Inodes of the sockets that listen on a port, from `/proc/net/tcp` and its
 * kind. proc(5): local address, state (0A: listening, 07: an unconnected UDP
 * socket) and inode are the 2nd, 4th and 10th field.
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

/** The flags that Deno lacks for some needs; none on Bun. */
export function missingFlags(needs: readonly Permission[]): string[] {
  return needs.filter((need) => !isPermitted(need))
    .map(({ name, value }) => `--allow-${name}=${value}`);
}

/** The result of a function; `undefined` where the system forbids it. */
function told<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    // Not there on this system, or not for this user, or not granted.
    return undefined;
  }
}
