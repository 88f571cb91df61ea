/**
 * Settings of a Shadowsocks server, for the server itself and for its clients.
 *
 * @module
 */
import { METHODS } from "../../crypto/method.ts";
import { DEFAULT_METHOD, DEFAULT_SERVER_HOST } from "../commands/defaults.ts";
import type { HostAndPort } from "../config/values.ts";
import {
  HOST,
  object,
  objects,
  PASSWORD,
  PORT,
  PORT_OR_ANY,
  REMARK,
  REMOTE_HOST,
  several,
  SWITCH,
  text,
} from "./kinds.ts";
import {
  type Kind,
  OF_SERVER,
  type Place,
  type Settings,
  settings,
} from "./setting.ts";

const METHOD: Kind<string> = text("METHOD", METHODS.map(({ name }) => name));

/** The address of a server, and its protocol. */
export const SERVER: Settings<{
  readonly hosts: HostAndPort[];
  readonly port: number;
  readonly method: string;
  readonly tag: string;
}> = settings({ places: OF_SERVER }, {
  hosts: {
    key: "server",
    keyAliases: ["address"],
    flag: "server-addr",
    short: "s",
    flagAliases: ["server-host"],
    kind: several(HOST),
    fileKind: several(REMOTE_HOST),
    usual: `${DEFAULT_SERVER_HOST} for a server`,
    help:
      "Server: listening address. Local: the server, or several, which are " +
      "tried in turn",
    reload: "listens",
  },
  port: {
    name: "server_port",
    keyAliases: ["port"],
    short: "p",
    kind: PORT_OR_ANY,
    fileKind: PORT,
    help:
      "Port of servers that are given without one; for a listening server, -p " +
      "0 lets the system choose",
    reload: "listens",
  },
  method: {
    key: "method",
    flag: "encrypt-method",
    short: "m",
    flagAliases: ["method"],
    kind: METHOD,
    usual: DEFAULT_METHOD,
    help: `Method: ${METHODS.map((method) => method.name).join(", ")}`,
    reload: "adopts",
  },
  tag: {
    key: "remarks",
    keyAliases: ["name"],
    kind: REMARK,
    help: "Display name of the server in its URI",
    reload: "adopts",
  },
});

const OF_KEY: readonly Place[] = [...OF_SERVER, "user"];

/** The secrets of servers and of users. */
export const SECRET: Settings<{
  readonly password: string;
  readonly passwordFile: string;
  readonly key: string;
}> = settings({ places: OF_KEY, reload: "adopts" }, {
  password: {
    name: "password",
    short: "k",
    kind: PASSWORD,
    help:
      "Password; a base64 key with a 2022 method. ${NAME} in a file is an " +
      "environment variable. A command line is visible in the process " +
      "list: prefer a file, or UMBRA_PASSWORD in the environment",
  },
  passwordFile: {
    name: "password_file",
    kind: text("FILE", "file"),
    help: "File whose only line is the password",
  },
  key: {
    name: "key",
    kind: { ...text("BASE64"), type: "base64", secret: true },
    help: "The key itself instead of a password",
  },
});

/** The prefix of a client's streams. */
export const PREFIX: Settings<{ readonly prefix: string }> = {
  prefix: {
    key: "prefix",
    places: OF_SERVER,
    kind: text("TEXT"),
    role: "local",
    help:
      "First bytes of the salt of each stream, as in Outline: each character, " +
      "U+0000 to U+00FF, is one byte, at least 8 bytes of the salt stay " +
      "random; for AEAD methods of 2017",
    reload: "adopts",
  },
};

/** Several servers in one file. */
export const SERVERS: Settings<{
  readonly portPassword: object;
  readonly servers: unknown[];
}> = settings({ reload: "adopts" }, {
  portPassword: {
    key: "port_password",
    kind: object({
      type: "object",
      additionalProperties: {
        anyOf: [PASSWORD.schema, { type: ["object", "array"] }],
      },
    }, 'an object like { "8388": "PASSWORD" }'),
    role: "server",
    help: "Several servers that differ in port and password, as in libev: " +
      '`{ "8388": "PASSWORD" }`; an object with `password`, `name` and limits ' +
      "makes its clients a user; for ShadowsocksR as in `additional_ports`, " +
      "or `[password, obfs, protocol]`",
  },
  servers: {
    key: "servers",
    keyAliases: ["shadowsocks"],
    kind: objects("server"),
    help: "Several servers, each with keys of its own; see below",
  },
});

/** One of `servers`, or of `locals`. */
export const ENTRY: Settings<{ readonly disabled: boolean }> = {
  disabled: {
    key: "disabled",
    places: ["server", "local"],
    kind: SWITCH,
    help: "Leave this entry out",
    reload: "adopts",
  },
};
