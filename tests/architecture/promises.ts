/**
 * The rule that every promise has an owner that catches: work that is not
 * awaited goes through `detach()`, or handles its rejection where it starts.
 *
 * A check of text, not of types: it knows functions and methods by their names
 * and how they are declared.
 *
 * @module
 */
import { codeOnly, lineOf, type Source } from "./source.ts";

/** Runs in a browser, where a rejection that nothing handles ends nothing. */
const BROWSER = "src/admin/dashboard/";

/** Functions that call what they are given, and look at no result. */
const CALLERS = new Set([
  ...["schedule", "setTimeout", "setInterval", "queueMicrotask"],
  ...["addEventListener", "on", "once", "onReload", "onDefect", "forEach"],
]);

/** Promises that nothing owns, as `path:line: complaint`. */
export function checkPromises(sources: readonly Source[]): string[] {
  const files = sources
    .filter(({ path }) => !path.startsWith(BROWSER))
    .map(({ path, text }) => ({ path, code: codeOnly(text) }));
  const shared = sharedNames(files.map(({ code }) => code));
  return files.flatMap(({ path, code }) => {
    const names = shared.union(ownNames(code));
    return [
      ...voided(code),
      ...statements(code, names),
      ...callbacks(code, names),
    ]
      .sort((a, b) => a.at - b.at)
      .map(({ at, what }) => `${path}:${lineOf(code, at)}: ${what}`);
  });
}

interface Complaint {
  readonly at: number;
  readonly what: string;
}

/** A declaration of a function or method: its name, and what it gives. */
const DECLARATION =
  /(?<=^|[;{}]|\b(?:export|default|static|override|private|async|get|function)\s)\s*(#?[\w$]+)(?:<[^<>()]*>)?\(/g;

/** Of what is not ours and gives no promise: of promises, SQLite, servers. */
const FOREIGN = new Set(["resolve", "run", "listen"]);

/** Names that give promises wherever they are declared. */
function sharedNames(codes: readonly string[]): Set<string> {
  return asyncOnly(
    codes.flatMap(declarations).filter(({ name }) => !name.startsWith("#")),
  ).difference(FOREIGN);
}

/** Private names that give promises in this file. */
function ownNames(code: string): Set<string> {
  return asyncOnly(
    declarations(code).filter(({ name }) => name.startsWith("#")),
  );
}

function asyncOnly(all: readonly Declared[]): Set<string> {
  const [async, sync] = [true, false].map((wanted) =>
    new Set(
      all.filter(({ isAsync }) => isAsync === wanted).map(({ name }) => name),
    )
  );
  return async!.difference(sync!);
}

interface Declared {
  readonly name: string;
  readonly isAsync: boolean;
}

function declarations(code: string): Declared[] {
  const found = [];
  for (const match of code.matchAll(DECLARATION)) {
    const open = match.index + match[0].length - 1;
    const after = code.slice(closing(code, open) + 1, open + 4_000);
    const type = /^\s*:\s*([\w$]+)/.exec(after)?.[1];
    const hasBody = /^\s*(?::[^;={]*)?\{/.test(after);
    if (type === undefined && !hasBody) continue;
    if (KEYWORDS.has(match[1]!)) continue;
    const before = code.slice(Math.max(0, match.index - 20), match.index);
    const isAsync = /\basync\s*(?:function\s*)?$/.test(before) ||
      type === "Promise";
    found.push({ name: match[1]!, isAsync });
  }
  return found;
}

/** Words before parentheses that are no names. */
const KEYWORDS = new Set([
  ...["if", "for", "while", "switch", "catch", "with", "return", "await"],
  ...["function", "super", "constructor", "new", "typeof"],
]);

/** The operator, which only says that somebody has seen the promise. */
function voided(code: string): Complaint[] {
  return [...code.matchAll(/\bvoid\s+[\w$#(]/g)].map(({ index }) => ({
    at: index,
    what: "void owns no promise: detach() or await it",
  }));
}

/** A chain of names from its start to its first call. */
const CHAIN =
  /(?<![\w$.#])(?:[A-Za-z_$][\w$]*)(?:!|\?|\.#?[\w$]+|\[[^\]\n]*\])*\(/g;

/** Calls whose promise the next statement leaves behind. */
function statements(code: string, names: ReadonlySet<string>): Complaint[] {
  const found: Complaint[] = [];
  for (const match of code.matchAll(CHAIN)) {
    if (!startsStatement(code, match.index)) continue;
    const calls = callsOf(code, match.index + match[0].length - 1, match[0]);
    if (calls === undefined || isHandled(calls.at(-1)!)) continue;
    const call = calls.find(({ name }) =>
      names.has(name) || name === "then" || name === "finally"
    );
    if (call === undefined) continue;
    const what = `nothing catches what ${call.name}() rejects with`;
    found.push({ at: match.index, what });
  }
  return found;
}

interface Call {
  readonly name: string;
  readonly args: string;
}

/** The calls of a chain that ends its statement; else `undefined`. */
function callsOf(
  code: string,
  firstOpen: number,
  head: string,
): Call[] | undefined {
  const calls: Call[] = [];
  let name = /(#?[\w$]+)[!?.]*\($/.exec(head)?.[1] ?? "";
  for (let open = firstOpen;;) {
    const close = closing(code, open);
    calls.push({ name, args: code.slice(open + 1, close) });
    const next = /^[\s!]*(?:\?\.|\.)\s*(#?[\w$]+)\(/.exec(
      code.slice(close + 1, close + 200),
    );
    if (next === null) return code[close + 1] === ";" ? calls : undefined;
    name = next[1]!;
    open = close + next[0].length;
  }
}

function isHandled({ name, args }: Call): boolean {
  return name === "catch" || name === "then" && topLevelParts(args) > 1;
}

/** Functions given to who looks at no promise. */
function callbacks(code: string, names: ReadonlySet<string>): Complaint[] {
  const found: Complaint[] = [];
  const pattern =
    /([\w$]+)\((?:[^(){};]*,)?\s*(?:(async)\b|(?:\([^()]*\)|[\w$]+)\s*=>\s*([\w$.#?!]+)\()/g;
  for (const match of code.matchAll(pattern)) {
    const [, caller, isAsync, called] = match;
    if (!CALLERS.has(caller!)) continue;
    const name = called && /#?[\w$]+$/.exec(called)?.[0];
    if (!isAsync && !(name && names.has(name))) continue;
    const what = `${caller}() owns no promise: detach() it`;
    found.push({ at: match.index, what });
  }
  return found;
}

/** True if a statement begins at this offset. */
function startsStatement(code: string, at: number): boolean {
  const before = code.slice(0, at).trimEnd();
  if (before === "" || /[;{}]$/.test(before)) return true;
  if (/\b(?:else|do)$/.test(before)) return true;
  if (!before.endsWith(")")) return false;
  const open = opening(before, before.length - 1);
  return /\b(?:if|for|while)\s*$/.test(before.slice(0, open));
}

/** Offset of the parenthesis that closes the one at `open`. */
function closing(code: string, open: number): number {
  let depth = 0;
  for (let at = open; at < code.length; at++) {
    if ("([{".includes(code[at]!)) depth++;
    else if (")]}".includes(code[at]!) && --depth === 0) return at;
  }
  return code.length;
}

/** Offset of the parenthesis that opens the one at `close`. */
function opening(code: string, close: number): number {
  let depth = 0;
  for (let at = close; at >= 0; at--) {
    if (")]}".includes(code[at]!)) depth++;
    else if ("([{".includes(code[at]!) && --depth === 0) return at;
  }
  return 0;
}

/** How many arguments there are. */
function topLevelParts(args: string): number {
  let depth = 0;
  let parts = 1;
  for (const char of args.trim().replace(/,$/, "")) {
    if ("([{".includes(char)) depth++;
    else if (")]}".includes(char)) depth--;
    else if (char === "," && depth === 0) parts++;
  }
  return parts;
}
