import type { CommandOptions } from "../../step-context.ts";

/** Characters of a line that a step's state shows. */
const longest = 300;

/** Listens to a command for what it says about its failure. */
export class FailureText {
  readonly #prefix: string;
  #stderr = "";
  #said = "";

  /** `command`: workers say why it failed in a header that begins with its name; programs say so on standard error. */
  constructor(command: string) {
    this.#prefix = `${command}: `;
  }

  readonly onText: NonNullable<CommandOptions["onText"]> = async (text, stream) => {
    if (stream === "stderr") this.#stderr = (this.#stderr + text).slice(-4096);
    if (stream === "header") this.#said = text.split("\n").find((line) => line.startsWith(this.#prefix)) ?? this.#said;
  };

  /** The last line of standard error, or what the worker said, or at least the code. */
  reason(rc: number): string {
    const last = this.#stderr.trimEnd().split("\n").at(-1)?.trim() ?? "";
    const text = last || this.#said || `code ${rc}`;
    return text.slice(0, longest);
  }
}
