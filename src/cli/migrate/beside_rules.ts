/**
 * The nftables rules that redirect new connections of an old server to the new
 * one beside it, as text. Nothing is changed.
 *
 * @module
 */

/**
 * Returns the script for `nft -f`. It may be loaded repeatedly.
 *
 * Only the first segment of a connection is redirected, so that open
 * connections stay with the old server, even those that the system did not
 * track before. Connections that this machine forwards to the same port of
 * another machine are not redirected.
 *
 * @param ports The ports of the old server.
 * @param beside The difference between the ports of the new and the old server.
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

/** Name of Umbra's table. */
const TABLE = "inet umbra_beside";

/** Matches the first segment of a connection. */
const FIRST = "tcp flags & (fin | syn | rst | ack) == syn";
