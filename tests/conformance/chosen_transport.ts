/**
 * Prints which transport a value of `--transport`, default linux, comes to; see
 * fallback_test.ts.
 */
import process from "node:process";
import {
  chooseTransport,
  type TransportName,
} from "../../src/adapters/net/choose.ts";

const { transport, warnings } = await chooseTransport(
  (process.argv[2] ?? "linux") as TransportName,
);
const near = await transport.bind({ host: "127.0.0.1", port: 0 });
const far = await transport.bind({ host: "127.0.0.1", port: 0 });
// Nothing else happens meanwhile: a wake-up that is lost is seen.
setTimeout(() => near.send(Uint8Array.of(7), far.address), 50);
const datagram = await far.receive();
for (const socket of [near, far]) socket.close();
process.stdout.write(JSON.stringify({
  name: transport.name,
  warnings,
  payload: [...datagram!.payload],
}));
