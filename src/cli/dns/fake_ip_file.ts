/**
 * Keeps the names of fake addresses on disk: programs cache addresses, so a
 * restart must not give an address to another name.
 *
 * The file has one line for the ranges, then one line for each name: its
 * number, a space, the name.
 *
 * @module
 */
import type { Clock } from "../../clock.ts";
import { messageOf } from "../../errors.ts";
import { formatIp } from "../../codec/ip_address.ts";
import { FAKE_IP_SAVE_MS } from "../../limits.ts";
import type { Logger } from "../../observe.ts";
import {
  type FakeEntry,
  FakeIps,
  type FakeRanges,
} from "../../service/dns/fake_ips.ts";
import type { KeptFile } from "../kept_file.ts";

/** Fake addresses that are kept in a file. */
export class KeptFakeIps implements Disposable {
  /** The fake addresses of this program. */
  readonly fake: FakeIps;
  readonly #file: KeptFile | undefined;
  readonly #ranges: FakeRanges;
  readonly #clock: Clock;
  #logger: Logger | undefined;
  #cancelTimer: (() => void) | undefined;
  #saved = "";

  /** @param file The file; not set if a restart may forget the addresses. */
  constructor(ranges: FakeRanges, file: KeptFile | undefined, clock: Clock) {
    this.#file = file;
    this.#ranges = ranges;
    this.#clock = clock;
    const kept = file?.read();
    this.#saved = kept === undefined
      ? ""
      : new TextDecoder().decode(kept.bytes);
    this.fake = new FakeIps(ranges, readFakeIps(ranges, this.#saved));
  }

  /**
   * Saves the addresses regularly until disposal.
   *
   * @param logger Logs a file that cannot be written.
   */
  keep(logger: Logger): void {
    this.#logger = logger;
    if (this.#file === undefined) {
      logger.log(
        "warn",
        "fake addresses are not kept: give fake_ip_file, or programs may " +
          "reach another name after a restart",
      );
      return;
    }
    const again = (): void => {
      this.#cancelTimer = this.#clock.schedule(() => {
        this.#save();
        again();
      }, FAKE_IP_SAVE_MS);
    };
    again();
  }

  /** Saves the addresses a last time. */
  [Symbol.dispose](): void {
    this.#cancelTimer?.();
    this.#save();
  }

  #save(): void {
    const text = writeFakeIps(this.#ranges, this.fake.entries);
    if (this.#file === undefined || text === this.#saved) return;
    try {
      this.#file.write(new TextEncoder().encode(text));
      this.#saved = text;
    } catch (error) {
      this.#logger?.log("warn", "cannot keep fake addresses", {
        reason: messageOf(error),
      });
    }
  }
}

/** Returns the text of a file. */
export function writeFakeIps(
  ranges: FakeRanges,
  entries: Iterable<FakeEntry>,
): string {
  const lines = Array.from(entries, ([name, index]) => `${index} ${name}\n`);
  return `${headOf(ranges)}\n${lines.join("")}`;
}

/**
 * Returns the entries of a file; none if the file is for other ranges or is
 * damaged.
 */
export function readFakeIps(ranges: FakeRanges, text: string): FakeEntry[] {
  const [head, ...lines] = text.split("\n");
  if (head !== headOf(ranges)) return [];
  return lines.flatMap((line): FakeEntry[] => {
    const [, index, name] = /^(\d{1,9}) ([a-z0-9_.-]{1,255})$/.exec(line) ?? [];
    return name === undefined ? [] : [[name, Number(index)]];
  });
}

function headOf({ ipv4, ipv6 }: FakeRanges): string {
  const [four, six] = [ipv4, ipv6].map(({ prefix, bits }) =>
    `${formatIp(prefix)}/${bits}`
  );
  return `umbra fake-ip 1 ${four} ${six}`;
}
