/**
 * Settings of `umbra migrate`.
 *
 * @module
 */
import { SWITCH, whole } from "./kinds.ts";
import type { Settings } from "./setting.ts";

/** The settings of a server that runs beside the old one. */
export const BESIDE: Settings<{
  readonly beside: number;
  readonly rules: boolean;
}> = {
  beside: {
    flag: "beside",
    kind: whole(1, 65_534, {
      value: "N",
      type: "count",
      expected: "a whole number from 1 to 65534",
    }),
    help: "Write ports that are N higher, and TCP alone: for a server that " +
      "takes new connections until the old one has none left",
  },
  rules: {
    flag: "rules",
    kind: SWITCH,
    help:
      "With --beside: print the rules of nft that send new connections there",
  },
};
