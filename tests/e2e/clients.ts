/**
 * Which client programs of others are there.
 *
 * @module
 */
import { spawnSync } from "node:child_process";

/**
 * @param programs Any of them will do.
 * @param aptPackage What brings one on Debian.
 * @returns Why tests must be skipped; `false` when one is there.
 */
export function missingPrograms(
  programs: readonly string[],
  aptPackage: string,
): string | false {
  const found = findProgram(programs);
  return found === undefined &&
    `${programs.join(" or ")} not found: apt-get install -y ${aptPackage}`;
}

/** The first of these programs that starts. */
export function findProgram(programs: readonly string[]): string | undefined {
  return programs.find((program) =>
    !spawnSync("sh", ["-c", `command -v ${program}`], { stdio: "ignore" })
      .status
  );
}
