/**
 * Settings of the rules that decide about targets.
 *
 * @module
 */
import type { LocalRoutes } from "../../service/routing/rule_router.ts";
import { LIST_EXPECTED } from "../config/config_file.ts";
import { choice, object, OFF, several, text } from "./kinds.ts";
import {
  EVERYWHERE,
  type Kind,
  OF_LOCAL,
  type Settings,
  settings,
} from "./setting.ts";

/** Access lists, and the parts of them that apply. */
export const ACL: Settings<{
  readonly files: string[];
  readonly block: "on" | "off";
}> = settings({ reload: "adopts" }, {
  files: {
    name: "acl",
    places: EVERYWHERE,
    kind: several(text("FILE", "file")),
    help: "Rules: an ACL of shadowsocks-libev or -rust; several are joined",
  },
  block: {
    flag: "acl-block",
    kind: choice("on|off", ["on", "off"], "on or off"),
    default: "on",
    help: "Apply [outbound_block_list] of an ACL: `on` or `off`",
  },
});

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
export const ROUTES: Settings<RouteKeys> = settings({
  role: "local",
  reload: "adopts",
}, {
  routes: {
    key: "routes",
    places: OF_LOCAL,
    kind: ROUTE_LIST,
    help: "Routes of a local, in order: conditions and `to`; see below",
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
    help:
      "Groups of servers by name, each a list of names, for `to` of a route",
  },
  ruleSets: {
    key: "rule_sets",
    kind: object(
      { type: "object", additionalProperties: { type: "object" } },
      "an object",
    ),
    help: "Lists of rules by name, `path` or `url`; see below",
  },
  geoIpFile: {
    key: "geoip_file",
    kind: text("FILE", "file"),
    help: "Database of countries (.mmdb or geoip.dat), for `geoip`",
  },
  geoSiteFile: {
    key: "geosite_file",
    kind: text("FILE", "file"),
    help: "The geosite.dat of v2fly, for `geosite`",
  },
  resolve: {
    key: "resolve",
    kind: choice("WHERE", ["local", "remote", "never"]),
    usual: "`local` with an ACL, `never` with routes",
    help: "Where names are resolved for rules on addresses: `local` on this " +
      "machine, `remote` by `dns_upstream` through the server, or `never`",
  },
  leakGuard: {
    key: "leak_guard",
    ...OFF,
    help:
      "Never resolve a name on this machine for a rule, even with `resolve`; " +
      "rules on addresses then do not match names",
  },
});
