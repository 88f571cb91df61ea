/**
 * What the DNS inbound answered to programs, for the locals they connect to.
 *
 * @module
 */
import { type Address, formatAddress } from "../../codec/address.ts";
import type { DnsAddresses } from "../../codec/dns_records.ts";
import { parseIp, unmapIpv4 } from "../../codec/ip_address.ts";
import { PolicyError } from "../../errors.ts";
import type { TargetNames } from "../routing/target_names.ts";
import type { FakeIps } from "./fake_ips.ts";
import type { ReverseNames } from "./reverse_names.ts";

/** Names by true addresses and by made-up addresses. */
export class LocalNames implements TargetNames {
  /** The made-up addresses; not set if none are made up. */
  readonly fake: FakeIps | undefined;
  readonly #reverse: ReverseNames;

  /** Combines the two tables without owning them. */
  constructor(reverse: ReverseNames, fake?: FakeIps) {
    this.#reverse = reverse;
    this.fake = fake;
  }

  /** The number of true addresses with a name. */
  get known(): number {
    return this.#reverse.size;
  }

  /** Records the addresses of a name. */
  remember(name: string, found: DnsAddresses): void {
    this.#reverse.remember(name, found);
  }

  /** See {@link TargetNames.meant}. */
  meant(target: Address): Address {
    const address = this.fake && parseIp(target.host);
    if (address === undefined) return target;
    const fake = this.fake!;
    const plain = unmapIpv4(address);
    if (!fake.has(plain)) return target;
    const host = fake.nameOf(plain);
    if (host !== undefined) return { ...target, host };
    throw new PolicyError(
      "ERR_FAKE_IP_UNKNOWN",
      `Cannot reach ${formatAddress(target)}: no name has this made-up ` +
        "address; restart the program so that it resolves the name again",
    );
  }

  /** See {@link TargetNames.nameOf}. */
  nameOf(address: Uint8Array): string | undefined {
    return this.#reverse.nameOf(address);
  }
}
