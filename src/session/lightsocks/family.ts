/**
 * The family of lightsocks: one table for each port, without users and without
 * UDP.
 *
 * @module
 */
import { parseLightsocksPassword } from "../../codec/lightsocks_password.ts";
import { LIGHTSOCKS } from "../../crypto/family.ts";
import {
  type ClientProtocol,
  neededKey,
  type ServerProtocol,
  type SessionFamily,
  withoutUsers,
} from "../family.ts";
import { ByteTable } from "./byte_table.ts";
import { LightsocksClient } from "./client.ts";
import { NO_PACKET_CLIENT, NO_PACKET_SERVER } from "./packets.ts";
import { LightsocksServer } from "./server.ts";
import { LightsocksTranslator } from "./translator.ts";

/** The family. */
export const lightsocks: SessionFamily = {
  family: LIGHTSOCKS,
  readKeys: (text) => [parseLightsocksPassword(text)],
  client({ masterKey, blind = false }): ClientProtocol {
    const table = new ByteTable(masterKey);
    return {
      stream: () =>
        blind ? new LightsocksTranslator(table) : new LightsocksClient(table),
      packets: () => NO_PACKET_CLIENT,
    };
  },
  server(keys): ServerProtocol {
    const table = new ByteTable(neededKey(keys));
    return {
      stream: () => new LightsocksServer(table),
      packets: NO_PACKET_SERVER,
      ...withoutUsers("lightsocks"),
    };
  },
};
