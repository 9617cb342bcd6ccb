import type { Command } from "commander";

export const shells = ["bash", "zsh", "fish"] as const;
export type Shell = (typeof shells)[number];

interface Words {
  /** The names of the command and its parents after `master`: "build show"; empty for the program itself. */
  readonly path: string;
  readonly words: readonly (readonly [word: string, description: string])[];
}

/** Each command with what can follow it: commands below it, and its options. */
function listWords(command: Command, path = ""): Words[] {
  const help = command.createHelp();
  const below = help.visibleCommands(command).filter((one) => one.name() !== "help");
  const words = [
    ...below.map((one) => [one.name(), help.subcommandDescription(one)] as const),
    ...help.visibleOptions(command).flatMap(({ long, description }) => (long ? [[long, description] as const] : [])),
  ];
  const deeper = below.flatMap((one) => listWords(one, path === "" ? one.name() : `${path} ${one.name()}`));
  return [{ path, words }, ...deeper];
}

/** A script for a shell that completes the program's commands and options; files where neither fits. */
export function formatCompletion(shell: Shell, program: Command): string {
  const all = listWords(program);
  return shell === "fish" ? formatFish(all) : shell === "zsh" ? formatZsh(all) : formatBash(all);
}

/** A case of the shell's `case` for each command. */
function formatCases(all: readonly Words[]): string {
  return all.map(({ path, words }) => `    "${path}") list="${words.map(([word]) => word).join(" ")}" ;;`).join("\n");
}

/** Finds the command among the words before the cursor: the longest run of names that is one. */
function formatBash(all: readonly Words[]): string {
  return `# Completion of "master" for bash.
_master_words() {
  case "$1" in
${formatCases(all)}
    *) return 1 ;;
  esac
}
_master() {
  local list path="" longer current="\${COMP_WORDS[COMP_CWORD]}" i
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; i++)); do
    longer="\${path:+$path }\${COMP_WORDS[i]}"
    _master_words "$longer" && path="$longer"
  done
  _master_words "$path"
  COMPREPLY=($(compgen -W "$list" -- "$current"))
}
complete -o default -F _master master
`;
}

function formatZsh(all: readonly Words[]): string {
  return `#compdef master
# Completion of "master" for zsh.
_master_words() {
  case "$1" in
${formatCases(all)}
    *) return 1 ;;
  esac
}
_master() {
  local -a typed=("\${words[@]}")
  local list path_="" longer i
  for ((i = 2; i < CURRENT; i++)); do
    longer="\${path_:+$path_ }\${typed[i]}"
    _master_words "$longer" && path_="$longer"
  done
  _master_words "$path_"
  compadd -- \${=list} || _files
}
compdef _master master
`;
}

function formatFish(all: readonly Words[]): string {
  const lines = all.flatMap(({ path, words }) =>
    words.map(([word, description]) => {
      const what = word.startsWith("--") ? `-l ${word.slice(2)}` : `-a ${word}`;
      return `complete -c master -n '__master_at "${path}"' ${what} -d '${description.replaceAll("'", "")}'`;
    }),
  );
  const paths = all.map(({ path }) => `"${path}"`).join(" ");
  return `# Completion of "master" for fish.
set -g __master_paths ${paths}
function __master_at
  set -l path ""
  for word in (commandline -opc)[2..-1]
    set -l longer (string trim -- "$path $word")
    contains -- "$longer" $__master_paths; and set path "$longer"
  end
  test "$path" = "$argv[1]"
end
${lines.join("\n")}
`;
}
