/**
 * Runs a program as the user `umbra`, as systemd runs a unit of `Type=notify`:
 * until it says that it is ready, then ends it. Prints both.
 *
 * Usage: `deno run -A --unstable-net notified.ts PROGRAM WORDS…`
 *
 * @module
 */
const path = "/run/notify";
const socket = Deno.listenDatagram({ transport: "unixpacket", path });
Deno.chmodSync(path, 0o777);
const user = ["--reuid=umbra", "--regid=umbra", "--clear-groups"];
const program = new Deno.Command("setpriv", {
  args: [...user, "env", "-i", `NOTIFY_SOCKET=${path}`, ...Deno.args],
}).spawn();
const silence = setTimeout(() => Deno.exit(1), 20_000);
const [told] = await socket.receive();
program.kill("SIGTERM");
const { code } = await program.status;
clearTimeout(silence);
socket.close();
Deno.removeSync(path);
// deno-lint-ignore no-console
console.log(`${new TextDecoder().decode(told)}, then ${code}`);
