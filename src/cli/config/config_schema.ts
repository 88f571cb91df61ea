/**
 * Every key of a configuration file, as one schema: for warnings of unknown
 * keys, and for editors (docs/config.schema.json is made of it).
 *
 * @module
 */
import * as v from "valibot";
import { type Key, type Keys, remark } from "./config_keys.ts";
import {
  LOCAL_ENTRY_KEYS,
  LOCAL_KEYS,
  LOCAL_TOP_KEYS,
} from "./local_settings.ts";
import { ONLINE_TOP_KEYS } from "./online_settings.ts";
import { OPERATOR_KEYS } from "./operator_settings.ts";
import { OUTBOUND_KEYS } from "./outbound_settings.ts";
import {
  SERVER_ENTRY_KEYS,
  SERVER_KEYS,
  SERVER_TOP_KEYS,
} from "./server_file.ts";
import { ROUTE_TOP_KEYS } from "../routes/route_options.ts";
import { TARGET_KEYS } from "./target_settings.ts";
import { USER_KEYS } from "./user_settings.ts";

/** Keys that may stand at the top of a file. */
export const TOP_KEYS: Keys = {
  $schema: remark("Where editors find this schema"),
  ...SERVER_KEYS,
  ...SERVER_TOP_KEYS,
  ...LOCAL_KEYS,
  ...LOCAL_TOP_KEYS,
  ...ONLINE_TOP_KEYS,
  ...TARGET_KEYS,
  ...ROUTE_TOP_KEYS,
  ...OPERATOR_KEYS,
  ...OUTBOUND_KEYS,
};

const user: v.GenericSchema = v.object(USER_KEYS);

const server: v.GenericSchema = v.object({
  ...SERVER_KEYS,
  ...SERVER_ENTRY_KEYS,
  users: listOf(user, "users"),
});

const local: v.GenericSchema = v.object({ ...LOCAL_KEYS, ...LOCAL_ENTRY_KEYS });

/** The objects in a file, by what each is. */
export const CONFIG_OBJECTS: Readonly<Record<string, v.GenericSchema>> = {
  user,
  server,
  local,
};

/**
 * The whole file. The program does not read with it, but piece by piece with
 * what it is made of: what is disabled is let be.
 */
export const CONFIG_FILE: v.GenericSchema = v.object({
  ...TOP_KEYS,
  users: listOf(user, "users"),
  servers: listOf(server, "servers"),
  shadowsocks: listOf(server, "shadowsocks"),
  locals: listOf(local, "locals"),
});

/** A list of such objects, for a key of the top. */
function listOf(object: v.GenericSchema, key: string): Key<unknown> {
  const about = v.getDescription(v.unwrap(TOP_KEYS[key]!)) ?? "";
  return v.optional(v.pipe(v.array(object), v.description(about)));
}
