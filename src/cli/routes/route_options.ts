/**
 * Options and keys of routes.
 *
 * @module
 */
import { anything, type Keys } from "../config/config_keys.ts";
import type { Option } from "../options/option.ts";

/** Options of whatever has routes. */
export const ACL_OPTION: Option = {
  name: "acl",
  value: "FILE",
  repeatable: true,
  help: "Rules: an ACL of shadowsocks-libev or -rust; several are joined",
};

/** Options of a local. */
export const LOCAL_ROUTE_OPTIONS: readonly Option[] = [
  ACL_OPTION,
  {
    name: "acl-block",
    value: "on|off",
    help: "Block what [outbound_block_list] of an ACL has",
    default: "on",
  },
];

/** Keys at the top of a file. */
export const ROUTE_TOP_KEYS: Keys = {
  acl: anything("Path of an ACL, or a list of paths"),
  routes: anything("Routes of a local, in order: conditions and `to`"),
  "rule_sets": anything("Lists of rules by name: `path` or `url`, `format`"),
  "geoip_file": anything("Path of a database of countries (.mmdb)"),
  "geosite_file": anything("Path of a geosite.dat"),
  resolve: anything(
    "Resolve names for rules on addresses: `local`, here, or `never`",
  ),
};
