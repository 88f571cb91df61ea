/**
 * The rules of nft that send new connections of an old server to the one that
 * runs beside it, as text. Changes nothing.
 *
 * @module
 */

/**
 * Prints the script that `nft -f` loads; it may be loaded again.
 *
 * Only the first segment of a connection is redirected: what is open stays with
 * the old server, also where the system has not tracked it before. Connections
 * through this machine to the same port of another one are let be.
 *
 * @param ports Those of the old server.
 * @param beside The number that the new one has added to them.
 */
export function besideRules(ports: readonly number[], beside: number): string {
  const moved = ports.map((port) => `${port} : ${port + beside}`);
  const redirect = `    ${FIRST} fib daddr type local ` +
    "redirect to :tcp dport map @ports";
  return [
    "# Sends new connections to the server that runs beside the old one.",
    "# Load with: nft -f FILE",
    `table ${TABLE}`,
    `delete table ${TABLE}`,
    `table ${TABLE} {`,
    "  map ports {",
    "    type inet_service : inet_service",
    `    elements = { ${moved.join(", ")} }`,
    "  }",
    "  chain arriving {",
    "    type nat hook prerouting priority -110; policy accept;",
    redirect,
    "  }",
    "  chain own {",
    "    type nat hook output priority -110; policy accept;",
    redirect,
    "  }",
    "}",
    "",
  ].join("\n");
}

/** Name of our table. */
const TABLE = "inet umbra_beside";

/** A segment that opens a connection, as nft says it. */
const FIRST = "tcp flags & (fin | syn | rst | ack) == syn";
