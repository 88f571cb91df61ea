/**
 * Settings of the rules that decide about targets.
 *
 * @module
 */
import type { LocalRoutes } from "../../service/routing/rule_router.ts";
import { LIST_EXPECTED } from "../config/config_file.ts";
import { choice, object, several, SWITCH, text } from "./kinds.ts";
import { EVERYWHERE, type Kind, OF_LOCAL, type Settings } from "./setting.ts";

/** Access lists, and the parts of them that apply. */
export const ACL: Settings<{
  readonly files: string[];
  readonly block: "on" | "off";
}> = {
  files: {
    key: "acl",
    places: EVERYWHERE,
    flag: "acl",
    kind: several(text("FILE", "file")),
    help: "Rules: an ACL of shadowsocks-libev or -rust; several are joined",
    reload: "adopts",
  },
  block: {
    flag: "acl-block",
    kind: choice("on|off", ["on", "off"], "on or off"),
    default: "on",
    help: "Apply [outbound_block_list] of an ACL: `on` or `off`",
    reload: "adopts",
  },
};

/** Objects whose keys are read by `src/routes/read_routes.ts`. */
const ROUTE_LIST: Kind<unknown[]> = {
  type: "list",
  expected: LIST_EXPECTED,
  schema: { type: "array", items: { type: "object" } },
  read: (value) => Array.isArray(value) ? value : undefined,
};

export interface RouteKeys {
  readonly routes: unknown[];
  readonly groups: object;
  readonly ruleSets: object;
  readonly geoIpFile: string;
  readonly geoSiteFile: string;
  readonly resolve: LocalRoutes["resolve"];
  readonly leakGuard: boolean;
}

/** Routes of a local. */
export const ROUTES: Settings<RouteKeys> = {
  routes: {
    key: "routes",
    places: OF_LOCAL,
    kind: ROUTE_LIST,
    role: "local",
    help: "Routes of a local, in order: conditions and `to`; see below",
    reload: "adopts",
  },
  groups: {
    key: "groups",
    kind: object(
      {
        type: "object",
        additionalProperties: { type: "array", items: { type: "string" } },
      },
      "an object",
    ),
    role: "local",
    help:
      "Groups of servers by name, each a list of names, for `to` of a route",
    reload: "adopts",
  },
  ruleSets: {
    key: "rule_sets",
    kind: object(
      { type: "object", additionalProperties: { type: "object" } },
      "an object",
    ),
    role: "local",
    help: "Lists of rules by name, `path` or `url`; see below",
    reload: "adopts",
  },
  geoIpFile: {
    key: "geoip_file",
    kind: text("FILE", "file"),
    role: "local",
    help: "Database of countries (.mmdb), for `geoip`",
    reload: "adopts",
  },
  geoSiteFile: {
    key: "geosite_file",
    kind: text("FILE", "file"),
    role: "local",
    help: "The geosite.dat of v2fly, for `geosite`",
    reload: "adopts",
  },
  resolve: {
    key: "resolve",
    kind: choice("WHERE", ["local", "remote", "never"]),
    usual: "`local` with an ACL, `never` with routes",
    role: "local",
    help: "Where names are resolved for rules on addresses: `local` on this " +
      "machine, `remote` by `dns_upstream` through the server, or `never`",
    reload: "adopts",
  },
  leakGuard: {
    key: "leak_guard",
    kind: SWITCH,
    default: false,
    role: "local",
    help:
      "Never resolve a name on this machine for a rule, even with `resolve`; " +
      "rules on addresses then do not match names",
    reload: "adopts",
  },
};
