/**
 * The places where systems keep the proxy of their programs: the commands that
 * read and write them, and their output. No I/O.
 *
 * @module
 */
import type { RunTool, ToolResult } from "../../adapters/system/tools.ts";

/** The form of the setting: a PAC file, or one kind of proxy. */
export type ProxyForm = (typeof PROXY_FORMS)[number];

/** All forms. */
export const PROXY_FORMS = ["pac", "socks", "http"] as const;

/** The address of the proxy. */
export interface ProxyPlace {
  /** IP address, or `localhost`. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  /** URL of the PAC file. */
  readonly pac: string;
}

/** One value that a system keeps. */
export interface ProxySetting {
  /** Name of the value in the note. */
  readonly id: string;
  /** The command that prints the value. */
  readonly read: readonly string[];
  /**
   * Returns the value in the output of that command; `undefined` if the output
   * has none.
   */
  parse(result: ToolResult): string | undefined;
  /** Returns the command that sets a value; `undefined` if it cannot be set. */
  write(value: string): readonly string[] | undefined;
  /** Returns the value for a local; `undefined` if it is not changed. */
  ours(form: ProxyForm, place: ProxyPlace): string | undefined;
}

/** One kind of system. */
export interface Desktop {
  /** Name for people and for the note. */
  readonly name: string;
  /** Returns its values, in the order of writing. */
  settings(
    run: RunTool,
  ): readonly ProxySetting[] | Promise<readonly ProxySetting[]>;
}

/** The facts on which the choice depends. */
export interface DesktopFacts {
  /** The value of `process.platform`. */
  readonly platform: string;
  /** The value of `XDG_CURRENT_DESKTOP`; default: none. */
  readonly desktop?: string | undefined;
  /** True if a program of this name exists. */
  hasTool(name: string): boolean;
}

/** Returns the kind of this system; `undefined` if it is none of these. */
export function desktopOf(
  { platform, desktop = "", hasTool }: DesktopFacts,
): Desktop | undefined {
  if (platform === "win32") return WINDOWS;
  if (platform === "darwin") return MACOS;
  const isKde = desktop.toUpperCase().split(":").includes("KDE");
  const version = ["6", "5"].find((one) => hasTool(`kwriteconfig${one}`));
  if (isKde && version !== undefined) return kde(version);
  return hasTool("gsettings") ? GNOME : undefined;
}

/** The hosts that need no proxy. */
const LOCAL = ["localhost", "127.0.0.0/8", "::1"];

const GNOME: Desktop = {
  name: "GNOME",
  settings: () => [
    gnome("", "autoconfig-url", "pac", ({ pac }) => quoted(pac)),
    ...["socks", "http", "https"].flatMap((kind) => [
      gnome(
        `.${kind}`,
        "host",
        "any",
        ({ host }, form) => quoted(isFor(kind, form) ? host : ""),
      ),
      gnome(
        `.${kind}`,
        "port",
        "any",
        ({ port }, form) => String(isFor(kind, form) ? port : 0),
      ),
    ]),
    gnome("", "ignore-hosts", "any", () => `[${LOCAL.map(quoted).join(", ")}]`),
    gnome(
      "",
      "mode",
      "all",
      (_, form) => quoted(form === "pac" ? "auto" : "manual"),
    ),
  ],
};

/** The forms with which a value applies: a PAC file, any other form, or all. */
type When = "pac" | "any" | "all";

function counts(when: When, form: ProxyForm): boolean {
  return when === "all" || (when === "pac") === (form === "pac");
}

function isFor(kind: string, form: ProxyForm): boolean {
  return (kind === "socks") === (form === "socks");
}

function gnome(
  below: string,
  key: string,
  when: When,
  value: (place: ProxyPlace, form: ProxyForm) => string,
): ProxySetting {
  const schema = `org.gnome.system.proxy${below}`;
  return {
    id: `${schema} ${key}`,
    read: ["gsettings", "get", schema, key],
    parse: ({ ok, output }) => ok ? output.trim() : undefined,
    write: (text) => ["gsettings", "set", schema, key, text],
    ours: (form, place) => counts(when, form) ? value(place, form) : undefined,
  };
}

/**
 * Returns a text in the syntax of GVariant. The texts used here contain no
 * quotes.
 */
function quoted(text: string): string {
  return `'${text}'`;
}

function kde(version: string): Desktop {
  const of = (
    key: string,
    when: When,
    value: (place: ProxyPlace, form: ProxyForm) => string,
  ): ProxySetting => {
    const where = [
      ...["--file", "kioslaverc", "--group", "Proxy Settings"],
      ...["--key", key],
    ];
    const write = [`kwriteconfig${version}`, ...where];
    return {
      id: key,
      read: [`kreadconfig${version}`, ...where],
      parse: ({ ok, output }) => ok ? output.replace(/\r?\n$/, "") : undefined,
      write: (text) => text === "" ? [...write, "--delete"] : [...write, text],
      ours: (form, place) =>
        counts(when, form) ? value(place, form) : undefined,
    };
  };
  const proxy = (kind: string, scheme: string) =>
    of(
      `${kind}Proxy`,
      "any",
      ({ host, port }, form) =>
        isFor(kind, form) ? `${scheme}://${bracketed(host)} ${port}` : "",
    );
  return {
    name: "KDE",
    settings: () => [
      of("Proxy Config Script", "pac", ({ pac }) => pac),
      proxy("socks", "socks"),
      proxy("http", "http"),
      proxy("https", "http"),
      of("NoProxyFor", "any", () => LOCAL.join(",")),
      of("ProxyType", "all", (_, form) => form === "pac" ? "2" : "1"),
    ],
  };
}

const MACOS: Desktop = {
  name: "macOS",
  async settings(run): Promise<readonly ProxySetting[]> {
    const { ok, output } = await run([NETWORKSETUP, "-listallnetworkservices"]);
    // The first line explains the asterisk of disabled services.
    const services = ok
      ? output.split("\n").slice(1).filter((line) => /^[^*]/.test(line))
      : [];
    return services.flatMap(ofService);
  },
};

const NETWORKSETUP = "networksetup";

function ofService(service: string): ProxySetting[] {
  const state = (kind: string, when: When): ProxySetting => ({
    id: `${service}: ${kind} state`,
    read: [NETWORKSETUP, `-get${kind}`, service],
    parse: ({ ok, output }) =>
      ok ? /^Enabled: (?:Yes|1)$/m.test(output) ? "on" : "off" : undefined,
    write: (text) => [
      NETWORKSETUP,
      `-set${kind.replace(/url$/, "")}state`,
      service,
      text,
    ],
    ours: (form) => {
      const isOn = when === "pac" ? form === "pac" : form !== "pac" &&
        isFor(kind === "socksfirewallproxy" ? "socks" : "http", form);
      return isOn ? "on" : "off";
    },
  });
  const proxy = (kind: string): ProxySetting => ({
    id: `${service}: ${kind}`,
    read: [NETWORKSETUP, `-get${kind}`, service],
    parse: ({ ok, output }) => {
      const host = /^Server: *(\S*)$/m.exec(output)?.[1];
      const port = /^Port: *(\d+)$/m.exec(output)?.[1];
      return !ok ? undefined : host ? `${host} ${port ?? 0}` : "";
    },
    // A disabled proxy needs no address, and the command cannot remove one.
    write: (text) =>
      text === ""
        ? undefined
        : [NETWORKSETUP, `-set${kind}`, service, ...text.split(" ")],
    ours: (form, { host, port }) =>
      form !== "pac" &&
        isFor(kind === "socksfirewallproxy" ? "socks" : "http", form)
        ? `${host} ${port}`
        : undefined,
  });
  const kinds = ["socksfirewallproxy", "webproxy", "securewebproxy"];
  return [
    {
      id: `${service}: autoproxyurl`,
      read: [NETWORKSETUP, "-getautoproxyurl", service],
      parse: ({ ok, output }) => {
        const url = /^URL: *(.*)$/m.exec(output)?.[1]?.trim();
        return !ok ? undefined : url === "(null)" ? "" : url ?? "";
      },
      write: (text) =>
        text === ""
          ? undefined
          : [NETWORKSETUP, "-setautoproxyurl", service, text],
      ours: (form, { pac }) => form === "pac" ? pac : undefined,
    },
    ...kinds.map(proxy),
    // Setting an address also enables a proxy; the states are set after the
    // addresses.
    state("autoproxyurl", "pac"),
    ...kinds.map((kind) => state(kind, "any")),
  ];
}

const WINDOWS: Desktop = {
  name: "Windows",
  settings: () => [
    registry(
      "AutoConfigURL",
      "REG_SZ",
      ({ pac }, form) => form === "pac" ? pac : "",
    ),
    registry(
      "ProxyServer",
      "REG_SZ",
      ({ host, port }, form) =>
        form === "pac"
          ? undefined
          : `${form === "socks" ? "socks=" : ""}${bracketed(host)}:${port}`,
    ),
    registry(
      "ProxyOverride",
      "REG_SZ",
      (_, form) => form === "pac" ? undefined : "localhost;127.*;[::1];<local>",
    ),
    registry(
      "ProxyEnable",
      "REG_DWORD",
      (_, form) => form === "pac" ? "0x0" : "0x1",
    ),
  ],
};

const INTERNET_SETTINGS =
  "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings";

function registry(
  name: string,
  type: "REG_SZ" | "REG_DWORD",
  ours: (place: ProxyPlace, form: ProxyForm) => string | undefined,
): ProxySetting {
  const what = [INTERNET_SETTINGS, "/v", name];
  return {
    id: name,
    read: ["reg", "query", ...what],
    // For a missing value the program fails.
    parse: ({ output }) =>
      new RegExp(`^ *${name} +${type} +(.*?)\\r?$`, "m").exec(output)?.[1] ??
        "",
    write: (text) =>
      text === ""
        ? ["reg", "delete", ...what, "/f"]
        : ["reg", "add", ...what, "/t", type, "/d", text, "/f"],
    ours: (form, place) => ours(place, form),
  };
}

/** Returns a host in the form before a port. */
function bracketed(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
