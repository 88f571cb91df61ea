/**
 * The names of addresses that this program knows, for its DNS inbound and its
 * locals.
 *
 * @module
 */
import { systemClock } from "../../clock.ts";
import { formatAddress } from "../../codec/address.ts";
import type { Logger } from "../../observe.ts";
import { LocalNames } from "../../service/dns/local_names.ts";
import { ReverseNames } from "../../service/dns/reverse_names.ts";
import type { DnsSettings } from "../config/dns_settings.ts";
import { KeptFile } from "../kept_file.ts";
import { cachePath } from "../online/online_cache.ts";
import { KeptFakeIps } from "./fake_ip_file.ts";

/** Names that are known until disposal. */
export interface OpenNames extends Disposable {
  /** The names for services. */
  readonly names: LocalNames;
  /** Starts to keep on disk what must survive a restart. */
  keep(logger: Logger): void;
}

/** Reads the names that were kept. */
export function openNames({ listen, fake }: DnsSettings): OpenNames {
  const reverse = new ReverseNames(systemClock);
  if (fake === undefined) {
    return {
      names: new LocalNames(reverse),
      keep: () => {},
      [Symbol.dispose]: () => {},
    };
  }
  const path = fake.file ??
    cachePath(new URL(`dns://${formatAddress(listen)}/`), "names");
  const kept = new KeptFakeIps(
    fake.ranges,
    path === undefined ? undefined : new KeptFile(path),
    systemClock,
  );
  return {
    names: new LocalNames(reverse, kept.fake),
    keep: (logger) => kept.keep(logger),
    [Symbol.dispose]: () => kept[Symbol.dispose](),
  };
}
