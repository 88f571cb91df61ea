/**
 * `umbra check acl FILE [HOST...]`: describes an ACL, and where it sends hosts.
 *
 * @module
 */
import { clientRoutes, outboundRoutes } from "../../routes/acl/acl_routes.ts";
import { describeAcl } from "../../routes/acl/describe_acl.ts";
import { type Acl, readAcl } from "../../routes/acl/read_acl.ts";
import { locate, readHidden, type Sources } from "../config/secrets.ts";
import { nearest } from "../options/nearest.ts";
import { explainRoute } from "./explain_route.ts";

/**
 * Describes ACL files, joined as by `--acl`.
 *
 * @param hosts Targets, `HOST` or `HOST:PORT`; names are not resolved.
 * @throws {ConfigError} `ERR_ROUTE_LIST`, `ERR_CONFIG_FILE`,
 * `ERR_CONFIG_USAGE`.
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

/**
 * Reads and joins ACL files.
 *
 * @param option The option that names the files, if one does. The message of a
 * file that cannot be read then does not repeat the path, which may be a
 * password.
 */
export function loadAcl(
  files: readonly string[],
  sources: Sources,
  option?: string,
): Acl {
  const read = (file: string): string =>
    option === undefined
      ? sources.readText(file)
      : locate(option, () => readHidden(file, sources));
  return readAcl(files.map((file) => ({ file, text: read(file) })), nearest);
}
