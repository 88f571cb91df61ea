import { readdirSync } from "node:fs";
import process from "node:process";
import { systemTransport } from "../../src/adapters/runtime.ts";
import { resettablePeer, silentEndpoint } from "./peers.ts";
import { transportSuite } from "./transport_suite.ts";

const transport = systemTransport();
const countable = process.platform === "linux";
if (!countable) process.stderr.write("SKIPPED: descriptors, no /proc here\n");

transportSuite({
  transport,
  openHandles: () => countable ? readdirSync("/proc/self/fd").length : 0,
  resettable: () => resettablePeer(transport),
  silentEndpoint,
});
