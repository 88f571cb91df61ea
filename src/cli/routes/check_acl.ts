/**
 * `umbra check acl FILE [HOST...]`: what an ACL has, and where it sends hosts.
 *
 * @module
 */
import { clientRoutes, outboundRoutes } from "../../routes/acl/acl_routes.ts";
import { describeAcl } from "../../routes/acl/describe_acl.ts";
import { type Acl, readAcl } from "../../routes/acl/read_acl.ts";
import type { Sources } from "../config/secrets.ts";
import { nearest } from "../options/nearest.ts";
import { explainRoute } from "./explain_route.ts";

/**
 * Describes ACL files, joined as `--acl` joins them.
 *
 * @param hosts Targets, `HOST` or `HOST:PORT`, to be decided without being
 * resolved.
 * @throws {ConfigError} `ERR_ROUTE_LIST`, `ERR_CONFIG_FILE`, `ERR_CONFIG_USAGE`.
 */
export function describeAclFiles(
  files: readonly string[],
  hosts: readonly string[],
  sources: Sources,
): string {
  const acl = loadAcl(files, sources);
  const isOfServer = acl.lists.allow.concat(acl.lists.block)
    .some((set) => set.hasNames || set.hasAddresses);
  return [
    `${files.join(", ")}: an ACL`,
    ...describeAcl(acl),
    ...hosts.flatMap((host) => [
      `${host} at a client: ${explainRoute(clientRoutes(acl), host)}`,
      ...isOfServer
        ? [`${host} at a server: ${explainRoute(outboundRoutes(acl), host)}`]
        : [],
    ]),
    "",
  ].join("\n");
}

/** Reads ACL files, and joins them. */
export function loadAcl(files: readonly string[], sources: Sources): Acl {
  const texts = files.map((file) => ({ file, text: sources.readText(file) }));
  return readAcl(texts, nearest);
}
