/**
 * `umbra init --install`: installs the written files as a server of this
 * machine, on Linux with systemd. If systemd does not run, it does everything
 * except the start.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import process from "node:process";
import { SHELL } from "../../adapters/system/programs.ts";
import { ConfigError } from "../../errors.ts";
import { SERVER_FILE, UNIT_FILE } from "./init_files.ts";
import { usage } from "../options/getopt.ts";

/** The user that runs the server. */
export const INSTALLED_USER = "umbra";

/** The folder of the store. */
export const INSTALLED_STATE = "/var/lib/umbra";

/** The path of the installed program. */
const PROGRAM = "/usr/local/bin/umbra";

/** True where systemd runs: sd_booted(3). */
export function hasSystemd(): boolean {
  return existsSync("/run/systemd/system");
}

/**
 * Checks that installing can work, before any question is asked.
 *
 * @throws {ConfigError} `ERR_CONFIG_USAGE`.
 */
export function checkInstall(): void {
  if (process.platform !== "linux") {
    throw usage("--install needs Linux: leave it out");
  }
  if (process.getuid?.() !== 0) {
    throw usage("--install needs root: sudo umbra init --install");
  }
}

/**
 * Returns the command with which the unit starts the program.
 *
 * @param own The command of this program. If it is a single executable outside
 * `/usr/bin`, the unit starts a copy in `/usr/local/bin`.
 */
export function installedProgram(own: readonly string[]): readonly string[] {
  const [executable = "", ...source] = own;
  if (source.length > 0 || /^\/usr\/(?:local\/)?bin\//.test(executable)) {
    return own;
  }
  return [PROGRAM];
}

/**
 * Creates the user, gives it access to the configuration, copies program and
 * unit, and starts the server. Only a shell is run, for which Deno has a
 * permission.
 *
 * Security: the user that runs the server can read the configuration, and only
 * root can write it; the files of the clients belong to root.
 *
 * @param folder The folder of the files.
 * @param own See {@link installedProgram}.
 * @throws {ConfigError} `ERR_CONFIG_FILE` with the output of the step that
 * failed.
 */
export function install(folder: string, own: readonly string[]): void {
  const [program] = installedProgram(own);
  const copied = program === own[0] ? "" : own[0]!;
  const { status, stderr, error } = spawnSync(
    SHELL,
    ["-c", SCRIPT, "install", folder, copied],
    { encoding: "utf8", stdio: ["ignore", "ignore", "pipe"] },
  );
  if (status === 0) return;
  throw new ConfigError(
    "ERR_CONFIG_FILE",
    `Cannot install: ${
      error?.message ?? stderr.trim()
    }; the files in ${folder} ` +
      "were written. Correct the cause, and run the command again with --force",
  );
}

/**
 * The steps of the installation. A running program cannot be overwritten, so
 * the copy gets the name of the old file by a rename.
 */
const SCRIPT = `set -e
folder=$1 program=$2
id -u ${INSTALLED_USER} >/dev/null 2>&1 ||
  useradd --system --user-group --no-create-home \
    --home-dir ${INSTALLED_STATE} --shell /usr/sbin/nologin ${INSTALLED_USER}
chown root:${INSTALLED_USER} "$folder" "$folder/${SERVER_FILE}"
chmod 750 "$folder"
chmod 640 "$folder/${SERVER_FILE}"
mkdir -p ${INSTALLED_STATE}
chown ${INSTALLED_USER}:${INSTALLED_USER} ${INSTALLED_STATE}
chmod 750 ${INSTALLED_STATE}
if [ -n "$program" ]; then
  cp "$program" ${PROGRAM}.new
  chmod 755 ${PROGRAM}.new
  mv ${PROGRAM}.new ${PROGRAM}
fi
mkdir -p /etc/systemd/system /etc/sysctl.d
cp "$folder/${UNIT_FILE}" /etc/systemd/system/
echo "net.ipv4.tcp_migrate_req = 1" > /etc/sysctl.d/60-umbra.conf
if [ -d /run/systemd/system ]; then
  sysctl -q -p /etc/sysctl.d/60-umbra.conf
  systemctl daemon-reload
  systemctl enable ${UNIT_FILE}
  systemctl restart ${UNIT_FILE}
fi
`;
