import { z } from "zod";
import { defineSecretProvider, secretName } from "../define-secret-provider.ts";
import { readProgram } from "../run-program.ts";

/** What a program prints, such as `pass`, `age`, or the client of a cloud. */
export default defineSecretProvider({
  type: "command",
  options: {
    command: z
      .array(z.string())
      .min(1)
      .describe("The program and its arguments, without a shell; {} in an argument stands for what `secrets` says."),
    secrets: z
      .record(secretName, z.string().regex(/^[^-]/, "must not begin with -, which programs take for an option"))
      .describe("What stands for {} in the command, by the names of secrets: a path, a file, an id."),
    env: z
      .record(z.string(), z.string())
      .default({})
      .describe("Variables that the program gets, beside the master's PATH and HOME."),
    firstLine: z.boolean().default(false).describe("Whether only the first line is the secret, as `pass` has it."),
  },
  describe: ({ command }) => `the program ${command[0]}`,
  namesOf: ({ secrets }) => Object.keys(secrets),
  start({ configDirectory }, { command, secrets, env, firstLine, timeout }) {
    const { PATH = "", HOME = "" } = process.env;
    return {
      async fetch(name, signal) {
        const words = command.map((word) => word.replaceAll("{}", () => secrets[name] ?? name));
        const options = { cwd: configDirectory, env: { PATH, HOME, ...env }, timeoutMs: timeout, signal };
        const text = (await readProgram(words, options)).replace(/[\r\n]+$/, "");
        return firstLine ? (text.split(/\r?\n/)[0] ?? "") : text;
      },
    };
  },
});
