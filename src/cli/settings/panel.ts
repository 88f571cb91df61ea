/**
 * Settings of the panel to which a server belongs as a node.
 *
 * @module
 */
import { COUNT, object, OFF, text } from "./kinds.ts";
import { type Place, type Settings, settings } from "./setting.ts";

/** The key of the object with the keys below. */
export const PANEL_OBJECT: Settings<{ readonly panel: object }> = {
  panel: {
    key: "panel",
    kind: object({ $ref: "#/$defs/panel" }, "an object"),
    role: "server",
    help:
      "The panel of the V2Board family (V2Board, Xboard) that provides port, " +
      "method, key and users of the server; see below",
  },
};

const OF_PANEL: readonly Place[] = ["panel"];

/** The panel, and the node that the server is. */
export const PANEL: Settings<{
  readonly url: string;
  readonly nodeId: number;
  readonly token: string;
  readonly tokenFile: string;
  readonly resends: boolean;
  readonly plain: boolean;
}> = settings({ places: OF_PANEL }, {
  url: {
    key: "url",
    kind: text("URL"),
    help: "The https address of the panel",
  },
  nodeId: {
    key: "node_id",
    kind: COUNT,
    help: "Number of the node in the panel; its type is Shadowsocks",
  },
  token: {
    key: "token",
    kind: { ...text("TOKEN"), secret: true },
    help: "The token of the panel for its nodes; `${NAME}` for a variable",
  },
  tokenFile: {
    key: "token_file",
    kind: text("FILE", "file"),
    help: "File whose only line is the token",
  },
  resends: {
    key: "resend",
    ...OFF,
    help: "Repeat traffic reports that may have arrived: users may be billed " +
      "twice for the traffic; without this setting they may not be billed for " +
      "it",
  },
  plain: {
    key: "plain",
    ...OFF,
    help:
      "Allow an http address, for a network on which no one else can read the " +
      "token and the keys of users",
  },
});
