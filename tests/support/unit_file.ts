/**
 * Reads the command that systemd runs for a unit: systemd.service(5), "Command
 * lines".
 *
 * @module
 */

/** Returns the words of `ExecStart=` without quotes and escapes. */
export function execStart(unit: string): string[] {
  const [, line = ""] = /^ExecStart=(.+)$/m.exec(unit) ?? [];
  const words = line.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  return words.map((word) =>
    word.replace(/^"([^]*)"$/, "$1").replace(/\\(.)/g, "$1")
      .replaceAll("$$", "$").replaceAll("%%", "%")
  );
}
