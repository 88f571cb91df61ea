/**
 * The Debian package: files, control data, and the scripts that dpkg runs.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { ar, bytesOf, type Entry, tar } from "./archive.ts";

/** The content of the package. */
export interface DebOptions {
  readonly version: string;
  /** The architecture by Debian's name: `amd64`. */
  readonly architecture: string;
  /** Time of every file, in seconds since 1970. */
  readonly time: number;
  /** The program; its other names are links. */
  readonly program: Uint8Array;
  /** Names and texts of the units. */
  readonly units: ReadonlyMap<string, string>;
  readonly manPage: string;
  /** Completions by shell. */
  readonly completions: Readonly<Record<"bash" | "zsh" | "fish", string>>;
  readonly license: string;
  readonly changelog: string;
}

/** The name of the program in each role. */
const ROLES = ["ss-local", "ss-server", "ss-tunnel", "ss-redir"];

/** Makes the package. */
export function deb(options: DebOptions): Uint8Array {
  const { time } = options;
  const files = withFolders(filesOf(options));
  const control = tar([
    { path: "./control", content: controlText(options, files) },
    { path: "./md5sums", content: md5sums(files) },
    { path: "./postinst", content: POSTINST, mode: 0o755 },
    { path: "./prerm", content: PRERM, mode: 0o755 },
    { path: "./postrm", content: POSTRM, mode: 0o755 },
  ], time);
  return ar([
    ["debian-binary", Buffer.from("2.0\n")],
    ["control.tar.gz", gzipSync(control, { level: 9 })],
    ["data.tar.gz", gzipSync(tar(files, time), { level: 6 })],
  ], time);
}

/**
 * Folder of the names of shadowsocks-libev. It is not /usr/bin, where the
 * package of shadowsocks-libev has them, so that both can be installed.
 */
function filesOf(options: DebOptions): Entry[] {
  const { program, units, manPage, completions } = options;
  const packed = (text: string): Uint8Array => gzipSync(text, { level: 9 });
  return [
    { path: "./etc/umbra/", mode: 0o750 },
    { path: "./usr/bin/umbra", content: program, mode: 0o755 },
    ...ROLES.map((name) => ({
      path: `./usr/lib/umbra/${name}`,
      link: "../../bin/umbra",
    })),
    ...[...units].map(([name, text]) => ({
      path: `./usr/lib/systemd/system/${name}`,
      content: text,
    })),
    {
      path: "./usr/share/bash-completion/completions/umbra",
      content: completions.bash,
    },
    {
      path: "./usr/share/doc/umbra/changelog.gz",
      content: packed(options.changelog),
    },
    {
      path: "./usr/share/doc/umbra/copyright",
      content: copyright(options.license),
    },
    {
      path: "./usr/share/fish/vendor_completions.d/umbra.fish",
      content: completions.fish,
    },
    { path: "./usr/share/man/man1/umbra.1.gz", content: packed(manPage) },
    {
      path: "./usr/share/zsh/vendor-completions/_umbra",
      content: completions.zsh,
    },
  ];
}

/** Adds every folder before its content. */
function withFolders(files: readonly Entry[]): Entry[] {
  const seen = new Set<string>();
  return files.flatMap((file) => {
    const parts = file.path.replace(/\/$/, "").split("/").slice(0, -1);
    const folders = parts.map((_, i) => `${parts.slice(0, i + 1).join("/")}/`)
      .filter((path) => !seen.has(path) && seen.add(path));
    seen.add(file.path);
    return [...folders.map((path) => ({ path })), file];
  });
}

function controlText(
  { version, architecture, program }: DebOptions,
  files: readonly Entry[],
): string {
  const bytes = files.reduce((sum, file) => sum + bytesOf(file).length, 0);
  return `Package: umbra
Version: ${version}
Architecture: ${architecture}
Maintainer: Umbra contributors <umbra@invalid>
Installed-Size: ${Math.ceil(bytes / 1_024)}
Depends: libc6 (>= ${glibcOf(program)}), libgcc-s1, passwd
Recommends: libssl3t64 | libssl3
Section: net
Priority: optional
Description: Shadowsocks-compatible encrypted proxy
 A local proxy (SOCKS and HTTP) and a server that speak Shadowsocks of 2017 and
 2022, over TCP and UDP, with many users on one port, a port for the operator
 and a dashboard. One program, which contains its runtime.
 .
 /etc/umbra/NAME.json is run by umbra-server@NAME or umbra-local@NAME. The names
 of shadowsocks-libev (ss-local and so on) are in /usr/lib/umbra.
`;
}

/** Returns the newest version of glibc that the program needs. */
function glibcOf(program: Uint8Array): string {
  const text = Buffer.from(program.buffer, program.byteOffset, program.length)
    .toString("latin1");
  const minors = [...text.matchAll(/\0GLIBC_2\.(\d+)(?:\.\d+)?(?=\0)/g)]
    .map(([, minor]) => Number(minor));
  if (minors.length === 0) throw new Error("The program names no glibc");
  return `2.${Math.max(...minors)}`;
}

function md5sums(files: readonly Entry[]): string {
  return files.filter(({ content }) => content !== undefined)
    .map((file) => {
      const hash = createHash("md5").update(bytesOf(file)).digest("hex");
      return `${hash}  ${file.path.slice(2)}\n`;
    })
    .join("");
}

function copyright(license: string): string {
  const [, ...lines] = license.trim().split("\n");
  const text = lines.filter((line, i) => line !== "" || i > 0)
    .map((line) => line === "" ? " ." : ` ${line}`);
  return `Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: umbra

Files: *
Copyright: 2026 Umbra contributors
License: MIT
${text.join("\n")}
`;
}

const POSTINST = `#!/bin/sh
set -e
if [ "$1" = configure ]; then
  if ! getent passwd umbra >/dev/null; then
    useradd --system --user-group --no-create-home --home-dir /var/lib/umbra \\
      --shell /usr/sbin/nologin umbra
  fi
  # Configurations hold keys: root writes them, and only umbra reads them.
  chown root:umbra /etc/umbra
  chmod 0750 /etc/umbra
  if [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    if [ -n "$2" ]; then
      systemctl try-restart 'umbra-server@*.service' 'umbra-local@*.service'
    fi
  fi
fi
`;

const PRERM = `#!/bin/sh
set -e
if [ "$1" = remove ] && [ -d /run/systemd/system ]; then
  systemctl stop 'umbra-server@*.service' 'umbra-local@*.service'
fi
`;

/** Removes the keys and counts of users, only at a purge. */
const POSTRM = `#!/bin/sh
set -e
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
if [ "$1" = purge ]; then
  rm -rf /etc/umbra /var/lib/umbra
  if getent passwd umbra >/dev/null; then userdel umbra; fi
fi
`;
