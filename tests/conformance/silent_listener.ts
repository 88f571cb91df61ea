/** Listens with the shortest backlog, says where, and stops itself. */
import { writeSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import process from "node:process";

const server = createServer();
server.listen({ host: "127.0.0.1", port: 0, backlog: 1 }, () => {
  writeSync(1, `${(server.address() as AddressInfo).port}\n`);
  process.kill(process.pid, "SIGSTOP");
});
