/**
 * The programs with which desktops keep their proxy settings, with values in
 * memory.
 *
 * @module
 */
import type { RunTool, ToolResult } from "../../src/adapters/system/tools.ts";

const OK: ToolResult = { ok: true, output: "" };
const FAILED: ToolResult = { ok: false, output: "No such schema\n" };

/** Behaves like `gsettings`, `kwriteconfig6`, `networksetup` and `reg`. */
export class FakeDesktop {
  /** The values, by the names that the programs use. */
  readonly values: Map<string, string>;
  /** Every command that changes a value. */
  readonly changes: string[] = [];
  /** Commands that match this expression fail. */
  failing: RegExp | undefined;

  /** @param values The values at the start. */
  constructor(values: Readonly<Record<string, string>> = {}) {
    this.values = new Map(Object.entries(values));
  }

  readonly run: RunTool = (words) =>
    Promise.resolve(
      this.failing?.test(words.join(" ")) ? FAILED : this.#run(words),
    );

  #run([program, ...words]: readonly string[]): ToolResult {
    switch (program) {
      case "gsettings":
        return this.#gsettings(words);
      case "kreadconfig6":
        return { ok: true, output: `${this.values.get(words[5]!) ?? ""}\n` };
      case "kwriteconfig6":
        return this.#set(
          words[5]!,
          words[6] === "--delete" ? undefined : words[6]!,
        );
      case "networksetup":
        return this.#networksetup(words);
      case "reg":
        return this.#reg(words);
      default:
        return { ok: false, output: `${program}: not found\n` };
    }
  }

  #set(key: string, value: string | undefined): ToolResult {
    this.changes.push(`${key} = ${value ?? "(none)"}`);
    if (value === undefined) this.values.delete(key);
    else this.values.set(key, value);
    return OK;
  }

  #gsettings([verb, schema, key, value]: readonly string[]): ToolResult {
    const name = `${schema} ${key}`;
    if (verb === "set") return this.#set(name, value!);
    const output = this.values.get(name);
    return output === undefined ? FAILED : { ok: true, output: `${output}\n` };
  }

  #networksetup([flag, service, ...rest]: readonly string[]): ToolResult {
    if (flag === "-listallnetworkservices") {
      return {
        ok: true,
        output:
          "An asterisk (*) denotes that a network service is disabled.\n" +
          "Wi-Fi\n*Old Modem\nUSB LAN\n",
      };
    }
    const [, verb, kind = ""] = /^-(get|set)(\w+)$/.exec(flag!)!;
    const state = `${service} ${kind.replace(/url$|state$/, "")} state`;
    const place = `${service} ${kind.replace(/state$/, "")}`;
    if (verb === "set") {
      if (kind.endsWith("state")) return this.#set(state, rest[0]!);
      // Setting an address also enables it.
      this.#set(state, "on");
      return this.#set(place, rest.join(" "));
    }
    const isOn = this.values.get(state) === "on" ? "Yes" : "No";
    const [host = "", port = "0"] = (this.values.get(place) ?? "").split(" ");
    return {
      ok: true,
      output: kind === "autoproxyurl"
        ? `URL: ${host || "(null)"}\nEnabled: ${isOn}\n`
        : `Enabled: ${isOn}\nServer: ${host}\nPort: ${port}\n` +
          "Authenticated Proxy Enabled: 0\n",
    };
  }

  #reg([verb, key, , name, , type, , data]: readonly string[]): ToolResult {
    if (verb === "add") return this.#set(name!, data!);
    if (verb === "delete") return this.#set(name!, undefined);
    const value = this.values.get(name!);
    const kind = name === "ProxyEnable" ? "REG_DWORD" : type ?? "REG_SZ";
    return value === undefined
      ? { ok: false, output: "ERROR: unable to find the value\r\n" }
      : {
        ok: true,
        output: `\r\n${key}\r\n    ${name}    ${kind}    ${value}\r\n\r\n`,
      };
  }
}

/** The values of a fresh GNOME. */
export const GNOME_VALUES: Readonly<Record<string, string>> = {
  "org.gnome.system.proxy mode": "'none'",
  "org.gnome.system.proxy autoconfig-url": "''",
  "org.gnome.system.proxy ignore-hosts": "['localhost', '127.0.0.0/8', '::1']",
  "org.gnome.system.proxy.socks host": "''",
  "org.gnome.system.proxy.socks port": "0",
  "org.gnome.system.proxy.http host": "'old.example'",
  "org.gnome.system.proxy.http port": "8080",
  "org.gnome.system.proxy.https host": "''",
  "org.gnome.system.proxy.https port": "0",
};
