/**
 * How many UDP flows a process can hold, and the descriptors they take from TCP.
 *
 * @module
 */
import { RESERVED_DESCRIPTORS, UDP_DESCRIPTOR_SHARE } from "../../limits.ts";
import type { ServiceOptions, UdpOptions } from "../options.ts";
import type { Dependencies } from "../service.ts";

/**
 * UDP flows a process can hold with the descriptors it may open.
 *
 * @param descriptorLimit See `Transport.descriptorLimit`.
 * @param wanted Never more than these.
 */
export function flowCapacity(
  descriptorLimit: number | undefined,
  wanted: number,
): number {
  if (descriptorLimit === undefined) return wanted;
  const share = Math.floor(
    (descriptorLimit - RESERVED_DESCRIPTORS) * UDP_DESCRIPTOR_SHARE,
  );
  return Math.min(wanted, Math.max(1, share));
}

/**
 * Descriptors that a service keeps for flows.
 *
 * @param options Of the service; without UDP it keeps none.
 */
export function flowShare(
  { mode, maxFlows }: Pick<ServiceOptions, "mode" | "maxFlows">,
  { transport }: Pick<Dependencies, "transport">,
): number {
  if (mode === "tcp_only") return 0;
  return flowCapacity(transport.descriptorLimit(), maxFlows);
}

/**
 * The number of flows that a service may have, and the time they may be quiet.
 */
export function flowLimits(
  { maxFlows, udpTimeoutMs }: UdpOptions,
  { transport }: Pick<Dependencies, "transport">,
): { readonly maxFlows: number; readonly idleTimeoutMs: number } {
  return {
    maxFlows: flowCapacity(transport.descriptorLimit(), maxFlows),
    idleTimeoutMs: udpTimeoutMs,
  };
}
