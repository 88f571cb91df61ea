/**
 * The HTTP client of a panel.
 *
 * Security: the token is in the URL of every request, so messages contain only
 * the host.
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

/** A panel, and the number of this node. */
export interface PanelAddress {
  /** The URL of the panel: `https:`, optionally with a path. */
  readonly url: URL;
  /** The number of the node. */
  readonly nodeId: number;
  /** The token of the panel's nodes. Never logged. */
  readonly token: string;
}

/** An answer with its ETag. */
export interface Known<T> {
  readonly value: T;
  /** The text as it was received, which is kept. */
  readonly text: string;
  /** The ETag of the answer; not set if the panel sends none. */
  readonly tag: string | undefined;
}

/** The result of a report of traffic. */
export type PushOutcome =
  /** The panel has accepted it. */
  | { readonly kind: "taken" }
  /** It did not arrive, or was refused. */
  | { readonly kind: "refused"; readonly error: Error }
  /** It may have arrived. */
  | { readonly kind: "unknown"; readonly error: Error };

/** Sends requests to a panel. */
export class PanelClient {
  readonly #address: PanelAddress;
  readonly #world: Required<Dependencies>;

  /** Makes a client, which connects when it is used. */
  constructor(address: PanelAddress, world: Required<Dependencies>) {
    this.#address = address;
    this.#world = world;
  }

  /**
   * Fetches this node's settings.
   *
   * @param tag The ETag of the known answer.
   * @returns `undefined` if the answer has not changed.
   * @throws {ConfigError} `ERR_PANEL` if the panel refuses the node, or
   * describes it as a kind that is not supported.
   * @throws {TransportError | ProtocolError} If the panel does not answer, or
   * its answer cannot be parsed.
   */
  node(
    tag: string | undefined,
    signal: StopSignal,
  ): Promise<Known<PanelNode> | undefined> {
    return this.#get("config", { tag, signal, read: parsePanelNode });
  }

  /**
   * Fetches the users, with results and errors as of {@link PanelClient.node}.
   */
  users(
    tag: string | undefined,
    signal: StopSignal,
  ): Promise<Known<PanelUser[]> | undefined> {
    return this.#get("user", { tag, signal, read: parsePanelUsers });
  }

  /**
   * Fetches the number of devices of each user over all nodes; throws as
   * {@link PanelClient.node}.
   */
  async aliveCounts(signal: StopSignal): Promise<ReadonlyMap<number, number>> {
    const options = { tag: undefined, signal, read: parseAliveCounts };
    return (await this.#get("alivelist", options))!.value;
  }

  /**
   * Reports the addresses of connected users; throws as
   * {@link PanelClient.node}.
   */
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

  /** Reports traffic once, and returns the result. */
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
      // With these statuses, a proxy has not passed the report on, or the panel
      // has refused it.
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

  /** Returns the text of a successful answer. */
  #content({ status, body }: HttpAnswer): string {
    const { host } = this.#address.url;
    if (status === 200) return new TextDecoder().decode(body);
    if ([401, 403, 404, 422].includes(status)) {
      throw new ConfigError(
        "ERR_PANEL",
        `The panel at ${host} refuses this node (${status}): check the ` +
          "address, node_id and token, and that the node's type is Shadowsocks",
      );
    }
    if (status >= 300 && status < 400) {
      throw new ConfigError(
        "ERR_PANEL",
        `The panel at ${host} redirects (${status}): set the address that ` +
          "it redirects to",
      );
    }
    throw new ProtocolError(
      "ERR_PANEL_ANSWER",
      `The panel at ${host} answered ${status}`,
    );
  }
}

/** The API path, which the panels have in common. */
const PATH = "/api/v1/server/UniProxy/";

function isOurs(error: unknown): error is Error {
  return error instanceof TransportError || error instanceof ProtocolError ||
    error instanceof ConfigError;
}
