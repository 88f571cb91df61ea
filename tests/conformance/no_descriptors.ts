/** Uses up all descriptors and prints what then fails; see kernel_test.ts. */
import { closeSync, openSync } from "node:fs";
import process from "node:process";
import { outcome } from "./harness.ts";
import { namedTransport } from "./transports.ts";

const transport = await namedTransport();
const listener = await transport.listen({ host: "127.0.0.1", port: 0 });
const taken: number[] = [];
try {
  for (;;) taken.push(openSync("/dev/null", "r"));
} catch {
  // None is left, which is the point.
}
const dial = await outcome(transport.dial(listener.address));
const listen = await outcome(
  transport.listen({ host: "127.0.0.1", port: 0 }),
);
for (const descriptor of taken) closeSync(descriptor);
const outcomes = {
  limit: transport.descriptorLimit(),
  dial,
  listen,
  "dial later": await outcome(transport.dial(listener.address)),
};
process.stdout.write(JSON.stringify(outcomes), () => process.exit(0));
