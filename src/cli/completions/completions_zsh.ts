/**
 * Completions for zsh.
 *
 * @module
 */
import { COMMANDS } from "../commands/commands.ts";
import {
  EXECUTABLES,
  offered,
  operandsOf,
  spellings,
  valuesOf,
} from "./completion_values.ts";
import type { Command, Option } from "../options/option.ts";

/** Returns the script: `_umbra` in a folder of `$fpath`. */
export function zshCompletions(): string {
  const names = [...EXECUTABLES.keys()];
  const commands = COMMANDS.map(({ name, summary }) =>
    `    ${quote(`${name}:${summary.replaceAll(":", "\\:")}`)}\n`
  );
  const roles = [...EXECUTABLES].map(([executable, { name }]) =>
    `    ${executable}) command=${name} ;;\n`
  );
  return `#compdef umbra ${names.join(" ")}
# zsh completion for umbra
_umbra() {
  local command
  local -a commands=(
${commands.join("")}  )
  case \${words[1]:t} in
${roles.join("")}    *)
      if (( CURRENT == 2 )); then
        _describe command commands
        _arguments '--help[Print this help]' '--version[Print version]'
        return
      fi
      command=\${words[2]}
      shift words
      (( CURRENT-- ))
      ;;
  esac
  case $command in
${COMMANDS.map(commandCase).join("")}  esac
}
_umbra "$@"
`;
}

function commandCase(command: Command): string {
  const operands = operandsOf(command);
  const specs = offered(command).map(spec);
  if (operands.length > 0) specs.push(quote(`1::word:(${operands.join(" ")})`));
  return `    ${command.name})
      _arguments -s ${specs.map((one) => `\\\n        ${one}`).join(" ")}
      ;;
`;
}

/** `'*'{--config,-c}'[what it does]:FILE:_files'` */
function spec(option: Option): string {
  const help = option.help.replace(/[[\]\\:]/g, "\\$&");
  const value = option.value === undefined
    ? ""
    : `:${option.value.replaceAll(":", "\\:")}:${action(option)}`;
  const rest = quote(`[${help}]${value}`);
  const ways = spellings(option);
  const repeat = option.repeatable ? "'*'" : quote(`(${ways.join(" ")})`);
  const written = option.value === undefined ? ways : ways.map(withValue);
  const names = written.length === 1 ? written[0]! : `{${written.join(",")}}`;
  return `${repeat}${names}${rest}`;
}

/** The value may be part of the same word, or be the next word. */
function withValue(way: string): string {
  return way.startsWith("--") ? `${way}=` : `${way}+`;
}

function action(option: Option): string {
  const values = valuesOf(option);
  if (values === undefined) return " ";
  if (values === "file") return "_files";
  if (values === "folder") return "_files -/";
  return `(${values.join(" ")})`;
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}
