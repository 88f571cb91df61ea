/** Prints what dialling and looking up led to; see kernel_test.ts. */
import process from "node:process";
import { outcome } from "./harness.ts";
import { namedTransport } from "./transports.ts";

const transport = await namedTransport();
const hosts = [
  "127.0.0.1",
  "192.0.2.200",
  "192.0.2.1",
  "198.51.100.1",
  "203.0.113.9",
];
const outcomes = await Promise.all(
  hosts.map(async (host) => [
    host,
    await outcome(transport.dial({ host, port: 9 })),
  ]),
);
const name = "name.invalid";
outcomes.push([name, await outcome(transport.resolve(name))]);
process.stdout.write(JSON.stringify(Object.fromEntries(outcomes)));
