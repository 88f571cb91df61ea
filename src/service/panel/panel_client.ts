/**
 * Asks a panel, and reports to it.
 *
 * Security: the token is in the address of every request, so that no message
 * has more of it than the host.
 *
 * @module
 */
import { fieldValues } from "../../codec/http_head.ts";
import {
  checkTaken,
  formatAlive,
  formatTraffic,
  type PanelNode,
  type PanelTraffic,
  type PanelUser,
  parseAliveCounts,
  parsePanelNode,
  parsePanelUsers,
} from "../../codec/uniproxy.ts";
import { ConfigError, ProtocolError, TransportError } from "../../errors.ts";
import { MAX_PANEL_BYTES, PANEL_CALL_MS } from "../../limits.ts";
import type { StopSignal } from "../../on_abort.ts";
import type { Dependencies } from "../service.ts";
import { callHttp, type HttpAnswer } from "./http_call.ts";

/** A panel, and the node that this server is. */
export interface PanelAddress {
  /** The address of the panel: `https:`, perhaps with a path. */
  readonly url: URL;
  /** Number of the node. */
  readonly nodeId: number;
  /** The token of the panel's nodes. Never logged. */
  readonly token: string;
}

/** An answer, unless it is the one that is known. */
export interface Known<T> {
  readonly value: T;
  /** As it came, to be kept. */
  readonly text: string;
  /** Names it; not set: the panel has no such names. */
  readonly tag: string | undefined;
}

/** What became of traffic that was sent. */
export type PushOutcome =
  /** The panel has taken it. */
  | { readonly kind: "taken" }
  /** It surely did not arrive, or was refused. */
  | { readonly kind: "refused"; readonly error: Error }
  /** It may have arrived. */
  | { readonly kind: "unknown"; readonly error: Error };

/** See above. */
export class PanelClient {
  readonly #address: PanelAddress;
  readonly #world: Required<Dependencies>;

  /** Asks nothing yet. */
  constructor(address: PanelAddress, world: Required<Dependencies>) {
    this.#address = address;
    this.#world = world;
  }

  /**
   * What the panel has as this node.
   *
   * @param tag Of the answer that is known.
   * @returns `undefined` when it is still that.
   * @throws {ConfigError} `ERR_PANEL` when the panel refuses the node, or has
   * it as something that is not served.
   * @throws {TransportError | ProtocolError} When it does not answer, or in
   * other words.
   */
  node(
    tag: string | undefined,
    signal: StopSignal,
  ): Promise<Known<PanelNode> | undefined> {
    return this.#get("config", { tag, signal, read: parsePanelNode });
  }

  /** Fetches the users; as {@link PanelClient.node}. */
  users(
    tag: string | undefined,
    signal: StopSignal,
  ): Promise<Known<PanelUser[]> | undefined> {
    return this.#get("user", { tag, signal, read: parsePanelUsers });
  }

  /** Devices of each user, over all nodes; throws as {@link PanelClient.node}. */
  async aliveCounts(signal: StopSignal): Promise<ReadonlyMap<number, number>> {
    const options = { tag: undefined, signal, read: parseAliveCounts };
    return (await this.#get("alivelist", options))!.value;
  }

  /** Reports who is connected from where; throws as {@link PanelClient.node}. */
  async tellAlive(
    addresses: ReadonlyMap<number, readonly string[]>,
    signal: StopSignal,
  ): Promise<void> {
    const answer = await this.#ask("alive", {
      signal,
      body: formatAlive(addresses),
    });
    checkTaken(this.#content(answer));
  }

  /** Sends traffic once, and returns the result. */
  async push(
    traffic: ReadonlyMap<number, PanelTraffic>,
    signal: StopSignal,
  ): Promise<PushOutcome> {
    let isSent = false;
    try {
      const answer = await this.#ask("push", {
        signal,
        body: formatTraffic(traffic),
        onSending: () => isSent = true,
      });
      const { status } = answer;
      // A proxy before the panel has not passed it on, or the panel said no.
      if (status === 503 || status >= 300 && status < 500) isSent = false;
      checkTaken(this.#content(answer));
      return { kind: "taken" };
    } catch (error) {
      if (!isOurs(error)) throw error;
      return { kind: isSent ? "unknown" : "refused", error };
    }
  }

  async #get<T>(
    action: string,
    { tag, signal, read }: {
      readonly tag: string | undefined;
      readonly signal: StopSignal;
      readonly read: (text: string) => T;
    },
  ): Promise<Known<T> | undefined> {
    const answer = await this.#ask(action, { signal, tag });
    if (answer.status === 304 && tag !== undefined) return undefined;
    const text = this.#content(answer);
    const [etag] = fieldValues(answer.fields, "etag");
    return { value: read(text), text, tag: etag };
  }

  #ask(
    action: string,
    { signal, tag, body, onSending }: {
      readonly signal: StopSignal;
      readonly tag?: string | undefined;
      readonly body?: string;
      readonly onSending?: () => void;
    },
  ): Promise<HttpAnswer> {
    const { url, nodeId, token } = this.#address;
    const at = new URL(url);
    at.pathname = `${url.pathname.replace(/\/$/, "")}${PATH}${action}`;
    at.search = new URLSearchParams({
      "node_type": "shadowsocks",
      "node_id": String(nodeId),
      token,
    }).toString();
    return callHttp(
      {
        url: at,
        fields: [
          ["Accept", "application/json"],
          ...tag === undefined ? [] : [["If-None-Match", tag] as const],
          ...body === undefined
            ? []
            : [["Content-Type", "application/json"] as const],
        ],
        body: body === undefined ? undefined : new TextEncoder().encode(body),
        timeoutMs: PANEL_CALL_MS,
        maxBytes: MAX_PANEL_BYTES,
        ...onSending && { onSending },
      },
      this.#world,
      signal,
    );
  }

  /** The text of an answer that is one. */
  #content({ status, body }: HttpAnswer): string {
    const { host } = this.#address.url;
    if (status === 200) return new TextDecoder().decode(body);
    if ([401, 403, 404, 422].includes(status)) {
      throw new ConfigError(
        "ERR_PANEL",
        `The panel at ${host} refuses this node (${status}): check its ` +
          "address, node_id, the token, and that the node is of Shadowsocks",
      );
    }
    if (status >= 300 && status < 400) {
      throw new ConfigError(
        "ERR_PANEL",
        `The panel at ${host} is elsewhere (${status}): give the address that ` +
          "it redirects to",
      );
    }
    throw new ProtocolError(
      "ERR_PANEL_ANSWER",
      `The panel at ${host} answers ${status}`,
    );
  }
}

/** Where the family has it. */
const PATH = "/api/v1/server/UniProxy/";

function isOurs(error: unknown): error is Error {
  return error instanceof TransportError || error instanceof ProtocolError ||
    error instanceof ConfigError;
}
