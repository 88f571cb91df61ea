/**
 * Joins a role's TCP and UDP services into one service on one port.
 *
 * @module
 */
import type { Listener } from "../transport.ts";
import type { Service } from "./service.ts";

/**
 * Starts what needs the listener's port, and closes the listener if that fails.
 *
 * @throws The error of `start`.
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
 * Starts another service beside one that runs, and stops that if it fails.
 *
 * @throws The error of `start`.
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

/** Joins a role's TCP and UDP services. The address is that of TCP. */
export function joined(tcp: Service, udp: Service): Service {
  return {
    address: tcp.address,
    async stop(graceMs): Promise<void> {
      // UDP has no connections to wait for: it stops at once. This ends the
      // associations for which TCP connections are held open.
      await Promise.all([udp.stop(graceMs), tcp.stop(graceMs)]);
    },
  };
}
