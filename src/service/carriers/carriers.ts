/**
 * The list of carriers. A new carrier is one folder, and one row here.
 *
 * @module
 */
import type { Dependencies } from "../service.ts";
import type { Carrier, CarrierOptions, CarrierSettings } from "./carrier.ts";
import { WebSocketCarrier } from "./websocket/client.ts";

/** Makes a carrier, which connects when it is used. */
export function carrierOf(
  settings: CarrierSettings,
  options: CarrierOptions,
  world: Required<Dependencies>,
): Carrier {
  return CARRIERS[settings.type](settings, options, world);
}

const CARRIERS: {
  readonly [T in CarrierSettings["type"]]: (
    settings: Extract<CarrierSettings, { type: T }>,
    options: CarrierOptions,
    world: Required<Dependencies>,
  ) => Carrier;
} = {
  websocket: (settings, options, world) =>
    new WebSocketCarrier(settings, options, world),
};
