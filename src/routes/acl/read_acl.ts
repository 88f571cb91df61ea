/**
 * Reads ACL files of shadowsocks-libev and shadowsocks-rust.
 *
 * ```text
 * [proxy_all]  or [accept_all]   what no list decides: through the server
 * [bypass_all] or [reject_all]   … or past it
 * [bypass_list] or [black_list]  lines behind it: past the server
 * [proxy_list]  or [white_list]  … through it
 * [outbound_block_list], [outbound_allow_list]      targets of a server
 * [outbound_allow_all],  [outbound_block_all]       … that no list decides
 * ||a.test        the name and all below it
 * |a.test         the name
 * 192.0.2.0/24    addresses
 * anything else   a regular expression, somewhere in a name
 * # words         a comment, also behind a rule
 * ```
 *
 * Where the two programs differ, the file is read as shadowsocks-rust reads it
 * (decision 0079).
 *
 * @module
 */
import { listError } from "../list_error.ts";
import { type ListNote, ListNotes } from "../list_notes.ts";
import { textLines, withoutComment } from "../lists/text_lines.ts";
import { type TargetSet, TargetSetBuilder } from "../match/target_set.ts";

/** A list of an ACL. */
export type AclSection = "bypass" | "proxy" | "block" | "allow";

/** The content of one ACL file, or of several that were joined. */
export interface Acl {
  /** The way of targets that are in no list of a client. */
  readonly mode: "proxy" | "direct";
  /** The way of a server's targets that are in no list. */
  readonly outboundMode: "direct" | "block";
  /** The lists; each has one set for each file. */
  readonly lists: Readonly<Record<AclSection, readonly TargetSet[]>>;
  /** Notes on entries of each file, such as ignored ones, with reasons. */
  readonly notes: readonly (ListNote & { readonly file: string })[];
  /** Warnings; one sentence each. */
  readonly warnings: readonly string[];
}

/** An ACL file. */
export interface AclText {
  /** The name of the file in messages. */
  readonly file: string;
  /** The content of the file. */
  readonly text: string;
}

/** The headings of lists. */
const LIST_HEADINGS: Readonly<Record<string, AclSection>> = {
  "bypass_list": "bypass",
  "black_list": "bypass",
  "proxy_list": "proxy",
  "white_list": "proxy",
  "outbound_block_list": "block",
  "outbound_allow_list": "allow",
};

/** The headings that decide on the targets of no list. */
const MODE_HEADINGS: Readonly<
  Record<string, Partial<Pick<Acl, "mode" | "outboundMode">>>
> = {
  "proxy_all": { mode: "proxy" },
  "accept_all": { mode: "proxy" },
  "bypass_all": { mode: "direct" },
  "reject_all": { mode: "direct" },
  "outbound_allow_all": { outboundMode: "direct" },
  "outbound_block_all": { outboundMode: "block" },
};

/** Every heading, without its brackets. */
export const ACL_HEADINGS: readonly string[] = [
  ...Object.keys(LIST_HEADINGS),
  ...Object.keys(MODE_HEADINGS),
];

/**
 * Reads ACL files and joins them.
 *
 * @param nearest Returns the known word that is most similar to an unknown one,
 * if any is.
 * @throws {ConfigError} `ERR_ROUTE_LIST`, with file and line, for an unknown
 * heading.
 */
export function readAcl(
  files: readonly AclText[],
  nearest: (word: string, known: readonly string[]) => string | undefined,
): Acl {
  const readers = files.map((file) => new AclReader(file, nearest));
  const modes = new Set(readers.flatMap(({ mode }) => mode ?? []));
  const outbound = new Set(
    readers.flatMap(({ outboundMode }) => outboundMode ?? []),
  );
  const warnings = readers.flatMap(({ warnings }) => warnings);
  if (modes.size > 1) {
    warnings.push(
      "the files differ in [proxy_all] and [bypass_all]: the first counts",
    );
  }
  if (outbound.size > 1) {
    warnings.push(
      "the files differ in [outbound_allow_all] and [outbound_block_all]: the " +
        "first counts",
    );
  }
  const list = (section: AclSection): TargetSet[] =>
    readers.map(({ sets }) => sets[section]);
  return {
    mode: [...modes][0] ?? "proxy",
    outboundMode: [...outbound][0] ?? "direct",
    lists: {
      bypass: list("bypass"),
      proxy: list("proxy"),
      block: list("block"),
      allow: list("allow"),
    },
    notes: readers.flatMap(({ notes, file }) =>
      notes.map((note) => ({ ...note, file }))
    ),
    warnings,
  };
}

/** Reads one file. */
class AclReader {
  readonly file: string;
  readonly sets: Readonly<Record<AclSection, TargetSet>>;
  readonly notes: readonly ListNote[];
  readonly warnings: string[] = [];
  mode: Acl["mode"] | undefined;
  outboundMode: Acl["outboundMode"] | undefined;

  constructor(
    { file, text }: AclText,
    nearest: (word: string, known: readonly string[]) => string | undefined,
  ) {
    this.file = file;
    const notes = new ListNotes();
    const builder = (): TargetSetBuilder => new TargetSetBuilder(file, notes);
    const builders = {
      bypass: builder(),
      proxy: builder(),
      block: builder(),
      allow: builder(),
    };
    // Both programs read lines before the first heading as part of this list.
    let section: AclSection = "bypass";
    let hasHeading = false;
    const tooLong = notes.add.bind(notes);
    for (const { text: line, number } of textLines(text, tooLong)) {
      const entry = withoutComment(line);
      if (entry === "") continue;
      const heading = /^\[([^\][]*)\]$/.exec(entry)?.[1];
      if (heading === undefined) {
        if (!hasHeading) {
          this.warnings.push(
            `${file}:${number}: rules before any heading count as [bypass_list]`,
          );
          hasHeading = true;
        }
        addEntry(builders[section], entry, number);
        continue;
      }
      hasHeading = true;
      const list = LIST_HEADINGS[heading];
      const modes = MODE_HEADINGS[heading];
      if (list !== undefined) section = list;
      else if (modes !== undefined) {
        this.mode ??= modes.mode;
        this.outboundMode ??= modes.outboundMode;
      } else {
        const meant = nearest(heading, ACL_HEADINGS);
        throw listError(
          `${file}:${number}: [${heading}] is no heading of an ACL` +
            (meant === undefined ? "" : `; did you mean [${meant}]?`),
        );
      }
    }
    this.sets = {
      bypass: builders.bypass.build(),
      proxy: builders.proxy.build(),
      block: builders.block.build(),
      allow: builders.allow.build(),
    };
    this.notes = notes.all();
  }
}

function addEntry(set: TargetSetBuilder, entry: string, line: number): void {
  if (entry.startsWith("||")) set.name("suffix", entry.slice(2), line);
  else if (entry.startsWith("|")) set.name("exact", entry.slice(1), line);
  else if (!set.cidr(entry, line)) set.regex(entry, line);
}
