/**
 * Completions for bash, 3.2 and later.
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
import type { Command } from "../options/option.ts";
import type { Words } from "../settings/setting.ts";

/** Returns the script, which bash sources. */
export function bashCompletions(): string {
  const commands = COMMANDS.map(({ name }) => name);
  const roles = [...EXECUTABLES].map(([executable, { name }]) =>
    `    ${executable}) command=${name} ;;\n`
  );
  return `# bash completion for umbra
_umbra() {
  local word=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]}
  local command=\${COMP_WORDS[1]} words=
  COMPREPLY=()
  # Bash takes --option=value for three words.
  if [[ $word == "=" ]]; then
    word=
  elif [[ $before == "=" ]]; then
    before=\${COMP_WORDS[COMP_CWORD-2]}
  fi
  case \${COMP_WORDS[0]##*/} in
${roles.join("")}    *)
      if [[ $COMP_CWORD == 1 ]]; then
        words="${[...commands, "--help", "--version"].join(" ")}"
        COMPREPLY=($(compgen -W "$words" -- "$word"))
        return
      fi
      ;;
  esac
  case $command in
${COMMANDS.map(commandCase).join("")}  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
}

_umbra_paths() {
  local IFS=$'\\n'
  compopt -o filenames 2>/dev/null
  COMPREPLY=($(compgen "$1" -- "$2"))
}

complete -F _umbra umbra ${[...EXECUTABLES.keys()].join(" ")}
`;
}

function commandCase(command: Command): string {
  const options = offered(command);
  const operands = operandsOf(command).join(" ");
  const words = options.flatMap(spellings).join(" ");
  const values = options.filter(({ value }) => value !== undefined)
    .map((option) =>
      `        ${spellings(option).join("|")}) ${action(valuesOf(option))} ;;\n`
    );
  const cases = values.length === 0 ? "" : `      case $before in
${values.join("")}      esac
`;
  return `    ${command.name})
${cases}      words="${words}"
${
    operands && `      [[ $word == -* ]] || words="${operands}"
`
  }      ;;
`;
}

/**
 * Returns the command for the value of an option. Nothing is offered for a
 * value that is not known.
 */
function action(values: Words | undefined): string {
  if (values === undefined) return "return";
  if (values === "file") return '_umbra_paths -f "$word"; return';
  if (values === "folder") return '_umbra_paths -d "$word"; return';
  return `COMPREPLY=($(compgen -W "${values.join(" ")}" -- "$word")); return`;
}
