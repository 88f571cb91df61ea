/**
 * What a reload says, for people: the same of many users is one line.
 *
 * @module
 */

/** Users that are named one by one at most. */
const MAX_NAMED = 3;

/** A line of a reload about one user: `PLACE: user NAME WHAT`. */
const OF_USER =
  /^(.*?: )user (.+) (goes|comes|has another password|is (?:dis|en)abled)$/;

/** The same lines about several users. */
const OF_MANY: Readonly<Record<string, string>> = {
  goes: "go: they will be cut off",
  comes: "come",
  "has another password": "get another key: they will be cut off",
  "is disabled": "are disabled: they will be cut off",
  "is enabled": "are enabled",
};

/**
 * Folds lines that say the same of more than a few users.
 *
 * @param users How many there are now, over all servers.
 */
export function foldChanges(
  changes: readonly string[],
  users: number,
): string[] {
  const groups = new Map<string, number>();
  const keyOf = (line: string): string | undefined => {
    const [, place, , what] = OF_USER.exec(line) ?? [];
    return what === undefined ? undefined : `${place}${what}`;
  };
  for (const line of changes) {
    const key = keyOf(line);
    if (key !== undefined) groups.set(key, (groups.get(key) ?? 0) + 1);
  }
  const told = new Set<string>();
  return changes.flatMap((line) => {
    const key = keyOf(line);
    const count = key === undefined ? 0 : groups.get(key)!;
    if (key === undefined || count <= MAX_NAMED) return [line];
    if (told.has(key)) return [];
    told.add(key);
    const [, place = "", , what = ""] = OF_USER.exec(line)!;
    const all = count === users && what !== "comes";
    const text = `${place}${all ? "all " : ""}${count} users ${OF_MANY[what]}`;
    return [all ? text.replace("they will", "everybody will") : text];
  });
}
