/**
 * Builds one rule from targets and further conditions.
 *
 * A rule means `(any name or address) and (any port) and each other condition`,
 * as in sing-box.
 *
 * @module
 */
import {
  allOf,
  anyOf,
  type Condition,
  fromSets,
  inSets,
  isOneOf,
  not,
  onPorts,
  type PortRange,
} from "./condition.ts";
import type { ListNotes } from "./list_notes.ts";
import {
  type TargetCounts,
  type TargetSet,
  TargetSetBuilder,
} from "./match/target_set.ts";

/** Collects one rule. */
export class RuleBuilder {
  /** Names and addresses of the target. */
  readonly targets: TargetSetBuilder;
  /** Addresses of the client. */
  readonly sources: TargetSetBuilder;
  /** Ports of the target. */
  readonly ports: PortRange[] = [];
  /** `tcp` or `udp`. */
  readonly networks: string[] = [];
  /** Names of users. */
  readonly users: string[] = [];
  /** Listeners, as `host:port`. */
  readonly inbounds: string[] = [];
  /** Further conditions that the target may match instead. */
  readonly otherTargets: Condition[] = [];
  /** True if the rule matches where its conditions do not. */
  isInverted = false;

  /**
   * @param list The list's name in messages; `undefined` for the configuration
   * itself.
   * @param notes Receives the entries that are left out.
   */
  constructor(list: string | undefined, notes: ListNotes) {
    this.targets = new TargetSetBuilder(list, notes);
    this.sources = new TargetSetBuilder(list, notes);
  }

  /**
   * Returns the finished condition; `undefined` if the rule has none.
   *
   * @param sizes Receives the sizes of its sets.
   * @throws {ConfigError} `ERR_ROUTE_LIST` if names were chosen to collide.
   */
  build(sizes: ListSizes): Condition | undefined {
    const conditions: Condition[] = [];
    const targets = [...this.otherTargets];
    if (this.targets.count > 0) {
      targets.unshift(inSets([sizes.sum(this.targets.build())]));
    }
    if (targets.length > 0) conditions.push(anyOf(targets));
    if (this.ports.length > 0) conditions.push(onPorts(this.ports));
    if (this.sources.count > 0) {
      conditions.push(fromSets([sizes.sum(this.sources.build())]));
    }
    for (
      const [key, words] of [
        ["network", this.networks],
        ["user", this.users],
        ["inbound", this.inbounds],
      ] as const
    ) {
      if (words.length > 0) conditions.push(isOneOf(key, words));
    }
    if (conditions.length === 0) return undefined;
    const all = allOf(conditions);
    return this.isInverted ? not(all) : all;
  }
}

/** The total sizes of the sets of a list. */
export class ListSizes {
  /** The numbers of each kind of entry. */
  counts: TargetCounts = {
    exact: 0,
    suffix: 0,
    keyword: 0,
    regex: 0,
    ipv4: 0,
    ipv6: 0,
  };
  /** Bytes of memory. */
  byteLength = 0;

  /** Adds the size of a set, and returns the set. */
  sum(set: TargetSet): TargetSet {
    const { counts } = this;
    this.counts = {
      exact: counts.exact + set.counts.exact,
      suffix: counts.suffix + set.counts.suffix,
      keyword: counts.keyword + set.counts.keyword,
      regex: counts.regex + set.counts.regex,
      ipv4: counts.ipv4 + set.counts.ipv4,
      ipv6: counts.ipv6 + set.counts.ipv6,
    };
    this.byteLength += set.byteLength;
    return set;
  }
}
