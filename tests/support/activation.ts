/**
 * Sockets that are opened and passed on as by systemd.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { announceSkip } from "./report.ts";

/** A socket on an IPv4 address. */
export interface OpenedSocket {
  readonly network: "tcp" | "udp";
  readonly host: string;
  readonly port: number;
  /** `Transparent=yes` of a unit; default false. */
  readonly transparent?: boolean;
}

/** Why the sockets are not available, for the option `skip` of a test. */
export const ACTIVATION_SKIP: string | false = spawnSync("perl", ["-v"]).error
  ? "sockets of a service manager: needs perl"
  : false;
if (ACTIVATION_SKIP) announceSkip(ACTIVATION_SKIP);

/**
 * Opens each socket as the next descriptor from 3, and executes the command.
 */
const ACTIVATE = [
  "use POSIX; use Socket; $^F = 99; my ($next, @kept) = (3);",
  'while ((my $one = shift @ARGV) ne "--") {',
  "my ($network, $host, $port, $transparent) = split /,/, $one;",
  'my $type = $network eq "udp" ? SOCK_DGRAM : SOCK_STREAM;',
  "socket(my $s, PF_INET, $type, 0) or die $!; push @kept, $s;",
  "setsockopt($s, SOL_SOCKET, SO_REUSEADDR, 1) or die $!;",
  // SOL_IP, IP_TRANSPARENT.
  "!$transparent or setsockopt($s, 0, 19, 1) or die $!;",
  "bind($s, sockaddr_in($port, inet_aton($host))) or die $!;",
  'listen($s, 128) or die $! if $network eq "tcp";',
  "POSIX::dup2(fileno($s), $next) if fileno($s) != $next; $next++; }",
  "s/^LISTEN_PID=$/LISTEN_PID=$$/ for @ARGV;",
  "exec(@ARGV) or die $!;",
].join(" ");

/** Returns the environment of a program with such sockets. */
export function activationVariables(
  sockets: readonly OpenedSocket[],
): Record<string, string> {
  return { LISTEN_PID: "", LISTEN_FDS: `${sockets.length}` };
}

/**
 * Returns the words before the command of a program with {@link
 * activationVariables}.
 */
export function activating(sockets: readonly OpenedSocket[]): string[] {
  const words = sockets.map(({ network, host, port, transparent }) =>
    [network, host, port, transparent ? 1 : 0].join(",")
  );
  return ["perl", "-e", ACTIVATE, ...words, "--"];
}
