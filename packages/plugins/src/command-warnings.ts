import { type ConfigWarning, holdsSecret, namesIn, templateIn } from "@multimaster/config";
import type { z } from "zod";
import { commandOption } from "./step-options.ts";

/** Programs that read their arguments as code, for which a quoted value is code again. */
const readsArgumentsAsCode =
  /\beval\b|\blet\b|\[\[|\bssh\b|\b(?:ba|da|k|z|c)?sh\s+(?:-\w+\s+)*-\w*c\b|\bsu\b.*\s-\w*c\b/;

/** Risks in the commands of a step's options: values as code, and secrets that a list of processes shows. */
export function warningsOfCommands(
  schema: z.ZodObject,
  options: Readonly<Record<string, unknown>>,
): readonly ConfigWarning[] {
  return Object.entries(options).flatMap(([key, value]) =>
    schema.shape[key] === commandOption ? sentencesOf(value).map((sentence) => ({ path: [key], sentence })) : [],
  );
}

function sentencesOf(command: unknown): string[] {
  const sentences: string[] = [];
  const template = templateIn(command);
  const names = template === undefined ? [] : namesIn(template);
  const raw = names.filter(({ kind }) => kind === "raw").map(({ name }) => name);
  if (raw.length > 0)
    sentences.push(
      `puts ${raw.map((name) => `\${raw:${name}}`).join(", ")} into a text that a shell reads: whoever sets the property runs commands on the worker; leave out "raw:", or pass the value in env`,
    );
  const program = readsArgumentsAsCode.exec(template ?? "")?.[0];
  if (program !== undefined && names.some(({ kind }) => kind === "property"))
    sentences.push(
      `"${program}" reads its arguments as code again, where the quotes around a property no longer help; pass the value in env`,
    );
  if ((Array.isArray(command) ? command : [command]).some(holdsSecret))
    sentences.push(
      "puts a secret on the command line, which every user of the worker's machine can see; pass it in env",
    );
  return sentences;
}
