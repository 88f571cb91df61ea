/**
 * The checks of `umbra doctor` of files, and of the permissions that Deno must
 * grant.
 *
 * @module
 */
import { dirname } from "node:path";
import type { Subject } from "./doctor_subject.ts";
import { type Finding, findingsOf } from "./finding.ts";
import { judgeMode } from "./judge_machine.ts";
import type { Permission } from "../../adapters/system/runtime.ts";
import { missingFlags, modeOf } from "./machine_facts.ts";
import { formatAddress } from "../../codec/address.ts";

const PERMISSION = findingsOf("permission");

/** Yields the findings `file` and `permission`. */
export function examineFiles(subject: Subject): Finding[] {
  const { file, operator: { store } } = subject;
  const flags = missingFlags(needsOf(subject));
  return [
    ...file === undefined ? [] : [judgeMode(file, modeOf(file))],
    ...store === undefined ? [] : [storeFinding(store)],
    ...flags.length === 0 ? [] : [missing(flags)],
  ];
}

/**
 * Returns the finding about a store. A missing store is created at the start if
 * its folder exists.
 */
function storeFinding(store: string): Finding {
  const mode = modeOf(store);
  if (mode !== undefined) return judgeMode(store, mode);
  const folder = dirname(store);
  const check = findingsOf("file");
  return modeOf(folder) === undefined
    ? check.fail(
      `${store}: there is no folder ${folder}, or it may not be read`,
      `mkdir -m 700 ${folder}`,
    )
    : check.ok(`${store} will be made at the start`);
}

function missing(flags: readonly string[]): Finding {
  return PERMISSION.fail(
    `Deno was not granted ${flags.length} of its permissions`,
    `run Deno with ${flags.join(" ")}`,
  );
}

function needsOf(subject: Subject): Permission[] {
  const { operator: { store } } = subject;
  const endpoints = subject.role === "none"
    ? []
    : subject.role === "server"
    ? subject.options.map(({ listen }) => listen)
    : subject.options.flatMap(({ listen, servers }) => [
      listen,
      ...servers.map(({ endpoint }) => endpoint),
    ]);
  return [
    ...endpoints.map((endpoint) => ({
      name: "net" as const,
      value: formatAddress(endpoint),
    })),
    ...store === undefined ? [] : [
      { name: "read", value: store } as const,
      { name: "write", value: store } as const,
    ],
  ];
}
