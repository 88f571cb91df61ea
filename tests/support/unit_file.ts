/**
 * What systemd would run of a unit: systemd.service(5), "Command lines".
 *
 * @module
 */

/** The words of `ExecStart=`, with its quotes and escapes taken off. */
export function execStart(unit: string): string[] {
  const [, line = ""] = /^ExecStart=(.+)$/m.exec(unit) ?? [];
  const words = line.match(/"(?:\\.|[^"\\])*"|\S+/g) ?? [];
  return words.map((word) =>
    word.replace(/^"([^]*)"$/, "$1").replace(/\\(.)/g, "$1")
      .replaceAll("$$", "$").replaceAll("%%", "%")
  );
}
