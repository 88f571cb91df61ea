/**
 * Options about the running program rather than its servers;
 * `config/operator_settings.ts` reads them.
 *
 * @module
 */
import type { Option } from "../options/option.ts";

const BOTH: readonly Option[] = [
  {
    name: "admin",
    value: "ADDRESS",
    help: "Serve metrics, API and dashboard here: HOST:PORT or unix:/PATH; " +
      "other hosts than this one only with a token",
  },
  {
    name: "admin-token-file",
    value: "FILE",
    help: "File with the token that --admin asks for in its one line",
  },
  {
    name: "admin-host",
    value: "NAME",
    repeatable: true,
    help: "Name by which --admin may be asked for, besides its address; " +
      "needed behind a proxy",
  },
  {
    name: "log-format",
    value: "FORMAT",
    help: "`text` or `json`, on standard error",
    default: "text",
  },
  {
    name: "log-privacy",
    value: "LEVEL",
    help: "Targets in the log: `full`, `hashed` (equal ones look equal, " +
      "names stay hidden) or `none`",
    default: "hashed for a server, full for a local",
  },
  {
    name: "log-connections",
    help: "Log each connection when it ends, in one line that says why, and " +
      "never collapse many lines of one kind into a count",
  },
  {
    name: "reuse-port",
    help: "Let another process listen on the same ports, to take over from it",
  },
  {
    name: "max-connections-per-host",
    value: "N",
    help: "Connections of one client address at once",
    default: "no limit",
  },
];

/** The options of all this, by command. */
export const OPERATOR_OPTIONS: Readonly<
  Record<"local" | "server", readonly Option[]>
> = {
  local: BOTH,
  server: [
    ...BOTH,
    {
      name: "public-host",
      value: "NAME",
      help: "Name or address by which clients reach the server, for the URIs " +
        "that users are given",
    },
    {
      name: "manager",
      value: "ADDRESS",
      help:
        "Serve the protocol of ss-manager here, to whoever can send to it: " +
        "HOST:PORT for UDP, or unix:/PATH",
    },
    {
      name: "manager-anywhere",
      help: "Let --manager be where others than this machine can send to it",
    },
    {
      name: "store",
      value: "FILE",
      help: "Keep users made at run time, and every count, in this file",
    },
  ],
};
