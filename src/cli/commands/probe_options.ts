/**
 * Options of the commands that try a server, `doctor` and `check server`;
 * `doctor/probe_settings.ts` reads them.
 *
 * @module
 */
import type { Option } from "../options/option.ts";
import {
  DOWNLOAD_MS,
  PROBE_COUNT,
  PROBE_TARGET,
  PROBE_WAIT_MS,
} from "./defaults.ts";

const BOTH: readonly Option[] = [
  {
    name: "target",
    value: "HOST:PORT",
    help: "What to reach through the server; it is sent an HTTP HEAD",
    default: `${PROBE_TARGET.host}:${PROBE_TARGET.port}`,
  },
  {
    name: "wait",
    value: "SECONDS",
    help: "How long each step may take",
    default: String(PROBE_WAIT_MS / 1_000),
  },
];

/** Options of `doctor`. */
export const DOCTOR_OPTIONS: readonly Option[] = [
  {
    name: "role",
    value: "ROLE",
    help: "Which end the configuration is for, `local` or `server`; without " +
      "it that is guessed",
  },
  ...BOTH,
  { name: "udp", short: "u", help: "Try UDP, too" },
  {
    name: "clock-url",
    value: "URL",
    help: "Compare this machine's clock with that of a web server",
  },
  { name: "json", help: "Print one JSON object" },
];

/** Options of `check server`. */
export const CHECK_SERVER_OPTIONS: readonly Option[] = [
  ...BOTH,
  {
    name: "count",
    value: "N",
    help: "How often each time is taken",
    default: String(PROBE_COUNT),
  },
  {
    name: "url",
    value: "URL",
    help: "Measure throughput, too: download this through the server",
  },
  {
    name: "seconds",
    value: "SECONDS",
    help: "How long to download at most",
    default: String(DOWNLOAD_MS / 1_000),
  },
];
