import { type ConfigWarning, holdsSecret, namesIn, templateIn } from "@multimaster/config";
import type { z } from "zod";
import { kindOfCommand } from "./step-options.ts";

/** Programs that interpret their arguments as code, so that even a quoted value is code. */
const readsArgumentsAsCode =
  /\beval\b|\blet\b|\[\[|\bssh\b|\b(?:ba|da|k|z|c)?sh\s+(?:-\w+\s+)*-\w*c\b|\bsu\b.*\s-\w*c\b/;

/** Programs that interpret an argument of a list as code: the one after such a flag or, without a flag, all that follow. */
const codeInLists: readonly { readonly program: RegExp; readonly flag?: RegExp }[] = [
  { program: /^(?:(?:ba|da|k|z|c|tc|fi)?sh|su|runuser)$/, flag: /^(?:-\w*c|--command)$/ },
  { program: /^(?:python|pypy)[\d.]*$/, flag: /^-\w*c$/ },
  { program: /^(?:node|perl|ruby|lua)$/, flag: /^(?:-\w*[eEp]|--eval|--print)$/ },
  { program: /^(?:cmd|powershell|pwsh)$/, flag: /^(?:\/[ck]|-c(?:ommand)?)$/i },
  { program: /^ssh$/ },
];

/** Risks in the commands of a step's options: values as code, and secrets visible in the process list. */
export function warningsOfCommands(
  schema: z.ZodObject,
  options: Readonly<Record<string, unknown>>,
): readonly ConfigWarning[] {
  return Object.entries(options).flatMap(([key, value]) => {
    const kind = kindOfCommand(schema, key);
    if (kind === "command") return sentencesOf(value).map((sentence) => ({ path: [key], sentence }));
    if (kind !== "list" || !Array.isArray(value)) return [];
    return value.flatMap((item: { command?: unknown } | null, i) =>
      sentencesOf(item?.command).map((sentence) => ({ path: [key, i, "command"], sentence })),
    );
  });
}

function sentencesOf(command: unknown): string[] {
  const sentences: string[] = [];
  const template = templateIn(command);
  const names = template === undefined ? [] : namesIn(template);
  const raw = names.filter(({ kind }) => kind === "raw").map(({ name }) => name);
  if (raw.length > 0)
    sentences.push(
      `puts ${raw.map((name) => `\${raw:${name}}`).join(", ")} into a text that a shell reads: anyone who sets the property can run commands on the worker; remove "raw:", or pass the value in env`,
    );
  const program = readsArgumentsAsCode.exec(template ?? "")?.[0];
  if (program !== undefined && names.some(({ kind }) => kind === "property"))
    sentences.push(
      `"${program}" interprets its arguments as code, so that the quotes around a property do not help; pass the value in env`,
    );
  const inList = Array.isArray(command) ? findCodeInList(command) : undefined;
  if (inList !== undefined)
    sentences.push(
      `"${inList}" interprets an argument as code that contains a property: anyone who sets the property can run commands on the worker; pass the value in env`,
    );
  if ((Array.isArray(command) ? command : [command]).some(holdsSecret))
    sentences.push(
      "puts a secret on the command line, which every user of the worker's machine can see; pass it in env",
    );
  return sentences;
}

/** Finds in a list the program, with its flag, that interprets an argument with a property as code. */
function findCodeInList(command: readonly unknown[]): string | undefined {
  for (const { program, flag } of codeInLists) {
    const at = command.findIndex((part) => typeof part === "string" && program.test(nameOfProgram(part)));
    if (at === -1) continue;
    for (let i = at + 1; i < command.length; i++) {
      const before = command[i - 1];
      const isCode = flag === undefined || (i > at + 1 && typeof before === "string" && flag.test(before));
      if (isCode && holdsProperty(command[i])) return [command[at], ...(flag ? [before] : [])].join(" ");
    }
  }
  return undefined;
}

function holdsProperty(part: unknown): boolean {
  return namesIn(templateIn(part) ?? "").some(({ kind }) => kind !== "secret");
}

function nameOfProgram(path: string): string {
  return path.replace(/^.*[\\/]/, "").replace(/\.exe$/i, "");
}
