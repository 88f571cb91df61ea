/**
 * The four answers that `umbra init` needs: from options, from the terminal, or
 * as suggested.
 *
 * @module
 */
import { isUnspecified } from "../../codec/ip_address.ts";
import { type Method, METHODS } from "../../crypto/method.ts";
import type { Arguments } from "../options/args.ts";
import { INIT_METHOD, INIT_USER } from "../commands/defaults.ts";
import { badOption } from "../options/option_value.ts";
import { PORT_EXPECTED, readHostAndPort, readPort } from "../config/values.ts";
import { usage } from "../options/getopt.ts";

/** The answers that define a server and its locals. */
export interface InitAnswers {
  /** The name or IP address under which clients reach the server. */
  readonly host: string;
  /** 1 to 65,535. */
  readonly port: number;
  /** The encryption method. */
  readonly method: Method;
  /** Names of people or devices, at least one. */
  readonly users: readonly string[];
}

/** The suggested answers that depend on this machine. */
export interface Suggestions {
  /** A name or address of this machine. */
  readonly host: string;
  /** A free port. */
  readonly port: number;
}

/**
 * Asks a question.
 *
 * @param suggestion The answer if the person enters nothing.
 */
export type Ask = (question: string, suggestion: string) => Promise<string>;

/**
 * Collects the answers.
 *
 * @param ask Not set if there is no terminal.
 * @throws {ConfigError} With the option to give.
 */
export async function initAnswers(
  args: Arguments,
  suggested: Suggestions,
  ask: Ask | undefined,
): Promise<InitAnswers> {
  if (ask === undefined && !args.has("yes")) refuseSilence(args);
  /**
   * Returns one answer. A question with an option is not asked; a question with
   * an invalid answer is asked again.
   */
  const answer = async <T>(
    { option, question, suggestion, read, expected }: Question<T>,
  ): Promise<T> => {
    const given = args.all(option);
    if (given.length > 0) {
      const value = read(given);
      if (value !== undefined) return value;
      throw badOption(option, expected);
    }
    const isAsked = ask !== undefined && !args.has("yes");
    for (let text = question;;) {
      const said = isAsked ? await ask(text, suggestion) : suggestion;
      const value = read(said.split(/[\s,]+/).filter(Boolean));
      if (value !== undefined) return value;
      // A host without addresses may have an invalid name as well.
      if (!isAsked) throw badOption(option, expected);
      text = `Expected ${expected}. ${question}`;
    }
  };
  const host = await answer({
    option: "host",
    question: "Name or IP address under which clients reach this server",
    suggestion: suggested.host,
    read: only(readHost),
    expected: "a name or an IP address, without a port",
  });
  const port = await answer({
    option: "port",
    question: "Port",
    suggestion: String(suggested.port),
    read: only(readPort),
    expected: PORT_EXPECTED,
  });
  const method = await answer({
    option: "method",
    question: "Method",
    suggestion: INIT_METHOD,
    read: only((name) => METHODS.find((method) => method.name === name)),
    expected: `one of ${METHODS.map(({ name }) => name).join(", ")}`,
  });
  const users = await answer({
    option: "user",
    question: hasManyUsers(method)
      ? "Names of the users, one for each person or device"
      : "Name of the user",
    suggestion: INIT_USER,
    read: (names) => readUsers(names, method),
    expected: hasManyUsers(method)
      ? "different names of letters, digits and . _ @ -"
      : `one name of letters, digits and . _ @ -: ${method.name} has no users`,
  });
  return { host, port, method, users };
}

/** True if a server with this method can have several users. */
export function hasManyUsers(method: Method): boolean {
  return method.userKind !== "none";
}

/** A question and how its answer is read. */
interface Question<T> {
  readonly option: string;
  readonly question: string;
  readonly suggestion: string;
  /** Returns `undefined` for an invalid answer. */
  readonly read: (words: readonly string[]) => T | undefined;
  readonly expected: string;
}

/** Accepts exactly one word. */
function only<T>(
  read: (word: string) => T | undefined,
): (words: readonly string[]) => T | undefined {
  return ([word, second]) =>
    word === undefined || second !== undefined ? undefined : read(word);
}

function readHost(text: string): string | undefined {
  const { host, port } = readHostAndPort(text) ?? {};
  if (host === undefined || port !== undefined) return undefined;
  // 0.0.0.0 and :: are addresses to listen on only.
  return isUnspecified(host) ? undefined : host;
}

/** Reads the names of users, which are names of files as well. */
function readUsers(
  names: readonly string[],
  method: Method,
): readonly string[] | undefined {
  const good = names.every((name) =>
    /^[\p{L}\p{N}][\p{L}\p{N}._@-]{0,63}$/u.test(name)
  );
  if (!good || names.length === 0) return undefined;
  if (new Set(names.map((name) => name.toLowerCase())).size < names.length) {
    return undefined;
  }
  return names.length > 1 && !hasManyUsers(method) ? undefined : names;
}

function refuseSilence(args: Arguments): void {
  const missing = Object.entries(SPELLING).filter(([name]) =>
    args.all(name).length === 0
  );
  if (missing.length === 0) return;
  throw usage(
    "Cannot ask questions: standard input is not a terminal; give " +
      `${
        missing.map(([, spelling]) => spelling).join(", ")
      }, or --yes to use ` +
      "the suggested values",
  );
}

/** The options that answer the questions. */
const SPELLING = {
  host: "--host HOST",
  port: "--port PORT",
  method: "--method METHOD",
  user: "--user NAME",
};
