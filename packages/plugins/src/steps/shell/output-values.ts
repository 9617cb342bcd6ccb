import { describeIssue } from "@multimaster/config";
import { callIfGiven, findJsonFault, type Json } from "@multimaster/core";
import { z } from "zod";
import type { CommandEnd, StepContext } from "../../step-context.ts";
import { BadRendering } from "../../step-errors.ts";
import { stepFunction } from "../../step-options.ts";

/** What a program has written, each stream up to 16 MiB, and its return code. */
export type ProgramOutput = Pick<CommandEnd, "rc" | "stdout" | "stderr">;

/** Gets the lines of the output as they come, and says at the end what they amount to. */
export interface OutputObserver {
  /** `log`: "stdio", or the name of a watched file. The first 4096 characters of the line. */
  onLine(line: string, log: string): void;
  onEnd?(output: { readonly rc: number }): OutputFindings | undefined;
}

export interface OutputFindings {
  readonly properties?: Readonly<Record<string, Json>>;
  /** Logs of text by name; undefined: none of that name. */
  readonly logs?: Readonly<Record<string, string | undefined>>;
  /** Addresses by name; undefined: none. */
  readonly links?: Readonly<Record<string, string | undefined>>;
  readonly summary?: string;
}

/** Options by which the output of a program becomes properties, logs and a summary. */
export const outputShape = {
  property: z
    .string()
    .min(1)
    .optional()
    .describe("A property that gets the standard output of a program that succeeds, without blanks around it."),
  extract: stepFunction<(rc: number, stdout: string, stderr: string) => Readonly<Record<string, Json>>>(
    "(rc, stdout, stderr) that returns properties",
    "(rc, stdout, stderr) => properties that are set when the program has ended.",
  ),
  summary: stepFunction<(output: ProgramOutput) => string>(
    "({ rc, stdout, stderr }) that returns a text",
    "({ rc, stdout, stderr }) => the step's text when the program has ended.",
  ),
  logs: stepFunction<(output: ProgramOutput) => Readonly<Record<string, string>>>(
    "({ rc, stdout, stderr }) that returns texts by name",
    "({ rc, stdout, stderr }) => further logs, by name.",
  ),
  observe: stepFunction<() => OutputObserver>(
    "that returns { onLine(line, log), onEnd({ rc }) }",
    "() => { onLine(line, log), onEnd({ rc }) }: sees each line of the output and of watched files, and may return properties, logs, links and a summary at the end. Called once for each run of the step.",
  ),
};

type OutputOptions = z.output<z.ZodObject<typeof outputShape>>;

/** More than the engine takes in all. */
const limits = { depth: 100, size: 16 * 1024 * 1024 };
const json = z.custom<Json>((value) => findJsonFault(value, limits) === undefined, {
  error: ({ input }) => findJsonFault(input, limits),
});
const texts = z.record(z.string(), z.string().optional());
const findings = z.object({
  properties: z.record(z.string(), json).optional(),
  logs: texts.optional(),
  links: texts.optional(),
  summary: z.string().optional(),
});

/** Whether the program's output is kept for these options. */
export function captureFor({ property, extract, summary, logs }: OutputOptions): boolean | "both" {
  if (extract ?? summary ?? logs) return "both";
  return property !== undefined;
}

/** Sets the properties and writes the logs; returns the summary, if the options give one. */
export async function takeOutput(
  ctx: StepContext,
  options: OutputOptions,
  observer: OutputObserver | undefined,
  { rc, stdout, stderr }: CommandEnd,
): Promise<string | undefined> {
  const output = { rc, stdout, stderr };
  if (options.property !== undefined && rc === 0) ctx.properties.set(options.property, stdout.trim());
  const found = [
    check("extract", { properties: callIfGiven(options.extract, rc, stdout, stderr) }),
    check("logs", { logs: callIfGiven(options.logs, output) }),
    check("observe", callIfGiven(observer?.onEnd?.bind(observer), { rc }) ?? {}),
    check("summary", { summary: callIfGiven(options.summary, output) }),
  ];
  for (const { properties = {}, logs = {}, links = {} } of found) {
    for (const [name, value] of Object.entries(properties)) ctx.properties.set(name, value);
    for (const [name, text] of Object.entries(logs)) if (text !== undefined) await (await ctx.log(name)).write(text);
    for (const [name, url] of Object.entries(links)) if (url !== undefined) await ctx.addUrl(name, url);
  }
  // It is one line.
  return found
    .findLast(({ summary }) => summary !== undefined)
    ?.summary?.trim()
    .replace(/\s+/g, " ");
}

function check(option: string, value: unknown): OutputFindings {
  const parsed = findings.safeParse(value);
  if (parsed.success) return parsed.data as OutputFindings;
  const problems = parsed.error.issues.flatMap((issue) => describeIssue(issue, findings, value));
  throw new BadRendering(`What the step's function "${option}" returned is invalid: ${problems.join("; ")}`);
}
