/**
 * Reads TypeScript sources as the architecture checks need them: which files
 * there are, what they import, and their code without comments and strings.
 *
 * @module
 */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";

/** Absolute path of the project, without a trailing separator. */
export const ROOT: string = fileURLToPath(new URL("../..", import.meta.url))
  .replace(/[/\\]$/, "");

/** One file: its path from the project's root, with `/`, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** One import, export-from, dynamic import or type import. */
export interface Import {
  readonly specifier: string;
  /** Line in the file, from 1. */
  readonly line: number;
}

/** Reads every file under a folder of the project whose name ends so. */
export function readSources(folder: string, ending: string): Source[] {
  return readdirSync(join(ROOT, folder), {
    recursive: true,
    withFileTypes: true,
  })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((path) => ({
      path: relative(ROOT, path).split(sep).join("/"),
      text: readFileSync(path, "utf8"),
    }));
}

/** Every specifier a file imports, type imports included. */
export function importsOf(text: string): Import[] {
  const code = withoutComments(text);
  const pattern =
    /\b(?:import|export)\b(?:[\w\s{},*$]*?\bfrom)?\s*\(?\s*(["'])([^"'\n]+)\1/g;
  return [...code.matchAll(pattern)].map((match) => ({
    specifier: match[2]!,
    line: lineOf(code, match.index),
  }));
}

/** Line of an offset, from 1. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split("\n").length;
}

/** Blanks comments; every character keeps its place. */
export function withoutComments(text: string): string {
  return blank(text, false);
}

/** Blanks comments and the inside of strings and regular expressions. */
export function codeOnly(text: string): string {
  return blank(text, true);
}

/**
 * One left-to-right pass over the lexical units that may hide each other. The
 * code inside `${…}` is kept: it is code.
 */
function blank(text: string, strings: boolean): string {
  let out = "";
  let position = 0;
  // Depth of open braces of each template literal we are inside of.
  const templates: number[] = [];
  const take = (length: number, hide: boolean): void => {
    const part = text.slice(position, position + length);
    out += hide ? part.replace(/[^\n]/g, " ") : part;
    position += length;
  };
  while (position < text.length) {
    const rest = text.slice(position, position + 2);
    if (rest === "//" || rest === "/*") {
      const end = rest === "//"
        ? text.indexOf("\n", position)
        : text.indexOf("*/", position + 2) + 2;
      take((end <= 1 ? text.length : end) - position, true);
    } else if (rest[0] === '"' || rest[0] === "'") {
      take(quoted(text, position), strings);
    } else if (rest[0] === "/" && startsExpression(out)) {
      take(quoted(text, position), strings);
    } else if (rest[0] === "`") {
      take(1, strings);
      take(templatePart(text, position, templates), strings);
    } else if (templates.length > 0 && rest[0] === "}") {
      const depth = templates.pop()!;
      if (depth > 0) templates.push(depth - 1);
      take(1, strings && depth === 0);
      if (depth === 0) take(templatePart(text, position, templates), strings);
    } else {
      if (templates.length > 0 && rest[0] === "{") {
        templates.push(templates.pop()! + 1);
      }
      take(1, false);
    }
  }
  return out;
}

/** Length of a string or regular expression that ends on its own line. */
function quoted(text: string, start: number): number {
  const quote = text[start];
  let inClass = false;
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at]!;
    if (char === "\\") at++;
    else if (char === "\n") return at - start;
    else if (quote === "/" && char === "[") inClass = true;
    else if (quote === "/" && char === "]") inClass = false;
    else if (char === quote && !inClass) return at - start + 1;
  }
  return text.length - start;
}

/** Length of template text up to and with its end or its next `${`. */
function templatePart(
  text: string,
  start: number,
  templates: number[],
): number {
  for (let at = start; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === "`") return at - start + 1;
    else if (text.startsWith("${", at)) {
      templates.push(0);
      return at - start + 2;
    }
  }
  return text.length - start;
}

/** Whether a `/` after this code starts a regular expression. */
function startsExpression(before: string): boolean {
  return /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of))\s*$/
    .test(before.slice(-40));
}
