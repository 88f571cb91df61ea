/**
 * Networks for a test: Linux namespaces that are connected by virtual cables.
 * Only root can make them.
 *
 * @module
 */
import { spawnSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import process from "node:process";
import { announceSkip } from "./report.ts";

/** Why they are not available, for the option `skip` of a test. */
export const NAMESPACES_SKIP: string | false = reason();
if (NAMESPACES_SKIP) announceSkip(NAMESPACES_SKIP);

/** One network. */
export class Namespace implements Disposable {
  /** Words before a command that runs in it. */
  readonly under: readonly string[];
  readonly #name = newName();

  /** Makes a network with a loopback interface. */
  constructor() {
    run(["ip", "netns", "add", this.#name]);
    this.under = ["ip", "netns", "exec", this.#name];
    this.run("ip link set lo up");
    // Addresses can be used at once.
    this.run("sysctl -qw net.ipv6.conf.default.accept_dad=0");
  }

  /** Runs a command; words are separated by spaces. @returns Its output. */
  run(command: string, input?: string): string {
    return run([...this.under, ...command.split(" ")], input);
  }

  /**
   * Connects this network to another one.
   *
   * @param network The connection: the name of the interface, and IPv4 and IPv6
   * without the last number, which is 1 here and 2 there.
   */
  join(
    there: Namespace,
    { name, ipv4, ipv6 }: {
      readonly name: string;
      readonly ipv4: string;
      readonly ipv6: string;
    },
  ): void {
    this.run(
      `ip link add ${name} type veth peer name ${name} netns ${there.#name}`,
    );
    for (const [i, end] of [this, there].entries()) {
      end.run(`ip address add ${ipv4}${i + 1}/24 dev ${name}`);
      end.run(`ip address add ${ipv6}${i + 1}/64 dev ${name} nodad`);
      end.run(`ip link set ${name} up`);
    }
  }

  /** Makes programs that start later use this resolver. */
  ask(resolver: string): void {
    mkdirSync(this.#files, { recursive: true });
    writeFileSync(`${this.#files}/resolv.conf`, `nameserver ${resolver}\n`);
  }

  /** The folder from which `ip netns exec` takes files of /etc. */
  get #files(): string {
    return `/etc/netns/${this.#name}`;
  }

  /** Removes the network; it exists as long as a program runs in it. */
  [Symbol.dispose](): void {
    run(["ip", "netns", "delete", this.#name]);
    rmSync(this.#files, { recursive: true, force: true });
  }
}

/** Files of tests that run beside each other are one process. */
function newName(): string {
  return `umbra-${randomUUID()}`;
}

function run([command, ...words]: readonly string[], input?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command!, words, {
    encoding: "utf8",
    ...input !== undefined && { input },
  });
  if (status === 0) return stdout;
  throw new Error(
    `${command} ${words.join(" ")}: ${error?.message ?? stderr}${stdout}`,
  );
}

function reason(): string | false {
  if (process.platform !== "linux") return "namespaces need Linux";
  if (process.getuid?.() !== 0) return "namespaces need root";
  for (const program of ["ip", "nft"]) {
    if (spawnSync(program, ["-V"]).error) return `namespaces need ${program}`;
  }
  const name = newName();
  if (spawnSync("ip", ["netns", "add", name]).status !== 0) {
    return "namespaces cannot be made here";
  }
  spawnSync("ip", ["netns", "delete", name]);
  return false;
}
