import { Argument, type Command } from "commander";
import { formatCompletion, type Shell, shells } from "../completion.ts";

/** `master completion SHELL`: prints a script that completes commands and options. */
export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description("print the script that completes commands and options in your shell")
    .addArgument(new Argument("<shell>", "your shell").choices(shells))
    .addHelpText(
      "after",
      `
  bash: add to ~/.bashrc:                    source <(master completion bash)
  zsh:  add to ~/.zshrc after compinit:      source <(master completion zsh)
  fish: master completion fish > ~/.config/fish/completions/master.fish`,
    )
    .action(async (shell: Shell, _: unknown, { parent }: Command) => {
      if (parent) process.stdout.write(formatCompletion(shell, parent));
    });
}
