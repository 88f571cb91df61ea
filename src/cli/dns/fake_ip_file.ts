/**
 * Which name has which made-up address, on disk: programs keep addresses, and a
 * restart must not give one name's address to another.
 *
 * One line for the ranges, then a line a name: its number, a space, the name.
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

/** Made-up addresses that are kept. */
export class KeptFakeIps implements Disposable {
  /** Those of this program. */
  readonly fake: FakeIps;
  readonly #file: KeptFile | undefined;
  readonly #ranges: FakeRanges;
  readonly #clock: Clock;
  #logger: Logger | undefined;
  #cancelTimer: (() => void) | undefined;
  #saved = "";

  /** @param file Not set: a restart forgets them. */
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
   * Saves from time to time, until it is disposed of.
   *
   * @param logger Hears of a file that cannot be written.
   */
  keep(logger: Logger): void {
    this.#logger = logger;
    if (this.#file === undefined) {
      logger.log(
        "warn",
        "made-up addresses are kept nowhere: give fake_ip_file, or programs " +
          "may reach another name after a restart",
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

  /** Saves for the last time. */
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
      this.#logger?.log("warn", "cannot keep made-up addresses", {
        reason: messageOf(error),
      });
    }
  }
}

/** The text of a file. */
export function writeFakeIps(
  ranges: FakeRanges,
  entries: Iterable<FakeEntry>,
): string {
  const lines = Array.from(entries, ([name, index]) => `${index} ${name}\n`);
  return `${headOf(ranges)}\n${lines.join("")}`;
}

/** The entries of a file; none of one that is of other ranges, or of no use. */
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
