/**
 * What there is to say of a user, in one word and in numbers: for the
 * dashboard and `umbra top`.
 *
 * @module
 */
import type { UserStatus } from "./operator.ts";

/** In what state a user is. */
export type UserState =
  | "disabled"
  | "expired"
  | "over quota"
  | "connected"
  | "idle"
  | "never seen";

/** The first thing that holds. */
export function stateOf(user: UserStatus, nowUnixMs: number): UserState {
  const { limits, usage, disabled } = user;
  if (disabled) return "disabled";
  if (limits.expiresUnixMs !== undefined && limits.expiresUnixMs <= nowUnixMs) {
    return "expired";
  }
  if (quotaUsed(user) >= 1) return "over quota";
  if (usage.open > 0) return "connected";
  return usage.lastSeenUnixMs === 0 ? "never seen" : "idle";
}

/** Bytes in both directions. */
export function totalBytes(user: UserStatus): number {
  return user.usage.bytesUp + user.usage.bytesDown;
}

/** Part of the quota that is used, 1 for all of it; 0 without a quota. */
export function quotaUsed(user: UserStatus): number {
  const { quotaBytes } = user.limits;
  if (quotaBytes === undefined) return 0;
  return quotaBytes === 0 ? 1 : totalBytes(user) / quotaBytes;
}
