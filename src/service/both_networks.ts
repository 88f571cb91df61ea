/**
 * A role's TCP and UDP as one service on one port.
 *
 * @module
 */
import type { Listener } from "../transport.ts";
import type { Service } from "./service.ts";

/**
 * Starts something that needs a listener's port.
 *
 * @throws Its error, after the listener was closed.
 */
export async function besideListener<T>(
  listener: Listener,
  start: () => Promise<T>,
): Promise<T> {
  try {
    return await start();
  } catch (error) {
    listener.close();
    throw error;
  }
}

/**
 * Starts something beside a service that runs.
 *
 * @throws Its error, after the service was stopped.
 */
export async function besideService(
  service: Service,
  start: () => Promise<Service>,
): Promise<Service> {
  try {
    return joined(service, await start());
  } catch (error) {
    await service.stop(0);
    throw error;
  }
}

/** One role's TCP and UDP as one service; the address is that of TCP. */
export function joined(tcp: Service, udp: Service): Service {
  return {
    address: tcp.address,
    async stop(graceMs): Promise<void> {
      // UDP has no end to wait for: it stops at once, and with it the
      // associations that connections are held open for.
      await Promise.all([udp.stop(graceMs), tcp.stop(graceMs)]);
    },
  };
}
