/**
 * Settings of `ss-redir`: how the system redirects, and what its rules cover.
 *
 * @module
 */
import type { Redirection } from "../../transport.ts";
import { choice, several, SWITCH, text } from "./kinds.ts";
import { OF_LOCAL, type Settings, settings } from "./setting.ts";
import { INTERFACE } from "./sockets.ts";

const WAYS: readonly Redirection[] = ["redirect", "tproxy"];

/** The settings of redirection. */
export interface RedirKeys {
  readonly tproxy: boolean;
  readonly tcp: Redirection;
  readonly udp: Redirection;
}

/** How the system redirects connections and datagrams. */
export const REDIR: Settings<RedirKeys> = settings({
  places: OF_LOCAL,
  role: "local",
  reload: "listens",
}, {
  tproxy: {
    name: "tcp_tproxy",
    short: "T",
    kind: SWITCH,
    help: "TCP by TPROXY: the same as --tcp-redir tproxy",
  },
  tcp: {
    name: "tcp_redir",
    kind: choice("WAY", WAYS),
    default: "redirect",
    help: "How the system redirects TCP: `redirect`, which needs no " +
      "privilege, or `tproxy`, which needs CAP_NET_RAW",
  },
  udp: {
    name: "udp_redir",
    kind: choice("WAY", WAYS.slice(1)),
    default: "tproxy",
    help: "How the system redirects UDP: only `tproxy` gives the target",
  },
});

/** The settings of `umbra redir rules`. */
export const RULES: Settings<{
  readonly lan: string[];
  readonly own: boolean;
  readonly dns: boolean;
  readonly user: string;
  readonly remove: boolean;
}> = {
  lan: {
    flag: "lan",
    kind: several(INTERFACE),
    help: "For `rules`: redirect traffic that arrives on this interface",
  },
  own: {
    flag: "own",
    kind: SWITCH,
    help: "For `rules`: redirect the traffic of programs on this machine",
  },
  dns: {
    flag: "with-dns",
    kind: SWITCH,
    help: "For `rules`: redirect DNS queries for any resolver to --dns-listen",
  },
  user: {
    flag: "user-id",
    kind: text("USER"),
    help: "For `rules`: the user that runs Umbra, whose traffic is excluded",
  },
  remove: {
    flag: "remove",
    kind: SWITCH,
    help: "For `rules`: print the commands that remove the rules",
  },
};
