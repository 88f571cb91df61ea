/**
 * The number of UDP flows that a process can hold, and the descriptors that
 * they take from TCP.
 *
 * @module
 */
import { RESERVED_DESCRIPTORS, UDP_DESCRIPTOR_SHARE } from "../../limits.ts";
import type { ServiceOptions, UdpOptions } from "../options.ts";
import type { Dependencies } from "../service.ts";

/**
 * Returns how many UDP flows a process can hold with its descriptors.
 *
 * @param descriptorLimit See `Transport.descriptorLimit`.
 * @param wanted The upper bound.
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
 * Returns the descriptors that a service reserves for flows.
 *
 * @param options The options of the service; without UDP, it reserves none.
 */
export function flowShare(
  { mode, maxFlows }: Pick<ServiceOptions, "mode" | "maxFlows">,
  { transport }: Pick<Dependencies, "transport">,
): number {
  if (mode === "tcp_only") return 0;
  return flowCapacity(transport.descriptorLimit(), maxFlows);
}

/** Returns the limits of flows of a service. */
export function flowLimits(
  { maxFlows, udpTimeoutMs }: UdpOptions,
  { transport }: Pick<Dependencies, "transport">,
): { readonly maxFlows: number; readonly idleTimeoutMs: number } {
  return {
    maxFlows: flowCapacity(transport.descriptorLimit(), maxFlows),
    idleTimeoutMs: udpTimeoutMs,
  };
}
