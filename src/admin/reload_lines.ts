/**
 * The lines of a reload for people: equal lines about many users become one.
 *
 * @module
 */

/** Maximum of users with a line each. */
const MAX_NAMED = 3;

/** Matches a line about one user: `PLACE: user NAME WHAT`. */
const OF_USER =
  /^(.*?: )user (.+) (is removed|is added|has another password|is (?:dis|en)abled)$/;

/** The texts for several users. */
const OF_MANY: Readonly<Record<string, string>> = {
  "is removed": "are removed: their connections will be closed",
  "is added": "are added",
  "has another password":
    "have another password: their connections will be closed",
  "is disabled": "are disabled: their connections will be closed",
  "is enabled": "are enabled",
};

/**
 * Joins equal lines about more than a few users.
 *
 * @param users Number of users after the reload, over all servers.
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
    const all = count === users && what !== "is added";
    const text = `${place}${all ? "all " : ""}${count} users ${OF_MANY[what]}`;
    return [all ? text.replace("their connections", "all connections") : text];
  });
}
