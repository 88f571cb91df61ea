/**
 * Formats results as table, Markdown and chart.
 *
 * @module
 */

/** The results of all rounds of one row, by system. */
export interface Row {
  readonly name: string;
  readonly unit: string;
  /** True if a larger number is better. */
  readonly more: boolean;
  readonly samples: ReadonlyMap<string, readonly number[]>;
}

/** The systems to which ratios refer: the first that has a result. */
const YARDSTICKS: readonly string[] = ["libev", "rust"];

/** Returns the median. */
export function median(numbers: readonly number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? sorted[middle]!
    : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/**
 * Returns a table with median, spread and ratio, one column for each system.
 */
export function markdown(rows: readonly Row[]): string {
  const systems = [
    ...new Set(rows.flatMap(({ samples }) => [
      ...samples.keys(),
    ])),
  ];
  const head = `| | ${systems.join(" | ")} |`;
  const rule = `|---|${systems.map(() => "--:|").join("")}`;
  const lines = rows.map((row) =>
    `| ${row.name}, ${row.unit} | ${
      systems.map((system) => cell(row, system)).join(" | ")
    } |`
  );
  return [head, rule, ...lines].join("\n") + "\n";
}

function cell({ samples }: Row, system: string): string {
  const mine = samples.get(system);
  if (mine === undefined || mine.length === 0) return "–";
  const value = median(mine);
  const spread = `${round(Math.min(...mine))}–${round(Math.max(...mine))}`;
  const shown = mine.length > 1 ? `${round(value)} (${spread})` : round(value);
  const name = YARDSTICKS.find((name) => samples.has(name));
  if (name === undefined || system === name) return shown;
  const yardstick = samples.get(name)!;
  return `${shown} **×${(value / median(yardstick)).toFixed(2)}**`;
}

function round(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3);
}

/**
 * Returns a bar chart of each system's ratio to libev, one group for each row.
 */
export function chart(rows: readonly Row[], title: string): string {
  const systems = ["libev", "bun", "deno"];
  const shown = rows.filter(({ samples }) =>
    systems.every((system) => samples.has(system))
  );
  const ratio = ({ samples }: Row, system: string): number =>
    median(samples.get(system)!) / median(samples.get(systems[0]!)!);
  const left = 330;
  const width = 360;
  const longest = Math.max(
    2,
    ...shown.flatMap((row) => systems.map((system) => ratio(row, system))),
  );
  const x = (value: number): number => left + (value / longest) * width;
  const height = 70 + shown.length * 54;
  const groups = shown.map((row, i) => {
    const top = 60 + i * 54;
    const bars = systems.map((system, k) => {
      const value = ratio(row, system);
      const y = top + k * 14;
      return `<rect x="${left}" y="${y}" width="${
        (x(value) - left).toFixed(1)
      }" height="12" rx="2" class="${system}"/>` +
        `<text x="${(x(value) + 5).toFixed(1)}" y="${y + 10}" class="value">${
          value.toFixed(2)
        }</text>`;
    }).join("");
    const hint = row.more ? "" : " (less is better)";
    return `<text x="${left - 10}" y="${
      top + 24
    }" text-anchor="end">${row.name}${hint}</text>${bars}`;
  });
  const legend = systems.map((system, i) =>
    `<rect x="${left + i * 80}" y="32" width="12" height="12" rx="2" ` +
    `class="${system}"/><text x="${left + 17 + i * 80}" y="42">${system}</text>`
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${
    left + width + 60
  }" height="${height}" font-family="system-ui, sans-serif" font-size="12">
<style>
  text { fill: #333 } .value { font-size: 10px; fill: #777 }
  .libev { fill: #9aa5b1 } .bun { fill: #e0a458 } .deno { fill: #3d7ea6 }
  line { stroke: #9aa5b1; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #ddd } .value { fill: #999 }
  }
</style>
<text x="${left}" y="18" font-weight="600">${title}</text>
${legend.join("\n")}
<line x1="${x(1)}" y1="54" x2="${x(1)}" y2="${height - 12}"/>
${groups.join("\n")}
</svg>
`;
}
