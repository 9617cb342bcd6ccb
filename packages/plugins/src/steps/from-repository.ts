import { Results } from "@multimaster/core";
import { z } from "zod";
import { defineStep, type StepDefinition, type StepEnd } from "../define-step.ts";
import { isPlainBranch, isRefName } from "../git/ref-names.ts";
import { checkPipeline, type PipelineRules, usualLimits } from "../pipeline/check-pipeline.ts";
import { formatProblems } from "../pipeline/problem.ts";
import { readBaseFile } from "../pipeline/read-base-file.ts";
import type { StepContext } from "../step-context.ts";
import { StepFailed } from "../step-errors.ts";
import { asWritten } from "../step-options.ts";
import { readWorkerFile } from "./files/read-text-file.ts";

/** The definition of what a factory makes; undefined: it is none of a step. */
function kindOf(factory: unknown): StepDefinition | undefined {
  if (typeof factory !== "function") return undefined;
  try {
    const made = factory({}) as { readonly plugin?: { readonly kind?: unknown } } | undefined;
    return made?.plugin?.kind === "step" ? (made.plugin as StepDefinition) : undefined;
  } catch {
    return undefined;
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a factory of a step of any options
type AnyFactory = (options: any) => unknown;

const factory = z.custom<AnyFactory>((value) => kindOf(value) !== undefined, {
  message: 'must be a step\'s factory, such as the import of "@multimaster/plugins/steps/shell"',
});

const names = (what: string) => z.union([z.literal("any"), z.array(z.string().min(1))]).describe(what);

const options = z.object({
  file: z
    .string()
    .min(1)
    .max(200)
    .refine(isInside, "must be a path inside the repository, such as ci/pipeline.yaml")
    .default(".multimaster.yaml")
    .describe("The file, YAML or JSON, relative to workdir."),
  workdir: z.string().default("build").describe("Where the repository is checked out, below the builder's directory."),
  steps: asWritten(z.array(factory).min(1).describe("The kinds of steps that the file may have: their factories.")),
  secrets: z.array(z.string().min(1)).default([]).describe("Secrets of the builder set that the file may name."),
  properties: names("Properties that the file may name.").default("any"),
  schedulers: z.array(z.string().min(1)).default([]).describe("Schedulers that its steps may trigger."),
  trustForks: z
    .union([z.boolean(), z.literal("base")])
    .default(false)
    .describe(
      "Of an untrusted build: false refuses the file; base reads that of the branch that the pull request is for; true reads the stranger's own.",
    ),
  repourl: z.string().min(1).optional().describe("Where the base branch is read; needed if trustForks is base."),
  limits: z
    .strictObject({
      steps: z.int().positive().max(500).default(usualLimits.maxSteps).describe("Maximum number of its steps."),
      bytes: z
        .int()
        .positive()
        .max(1024 * 1024)
        .default(usualLimits.maxBytes)
        .describe("Maximum bytes of the file."),
    })
    .prefault({})
    .describe("How much the file may have."),
});

type Options = z.output<typeof options>;

function isInside(path: string): boolean {
  return !/^[/\\]|^[A-Za-z]:|\0/.test(path) && !path.split(/[/\\]/).includes("..");
}

/**
 * Adds the steps that a file in the repository lists: `fromRepository({ steps: [shell, junit] })`. It comes after the
 * step that checks the repository out.
 */
export default defineStep({
  type: "from-repository",
  options,
  rules: { haltOnFailure: true },
  async run(ctx, options): Promise<StepEnd> {
    const { file } = options;
    const bytes = await readPipeline(ctx, options);
    if (typeof bytes === "string") return { results: Results.FAILURE, summary: `no steps from ${file}`, reason: bytes };
    const checked = checkPipeline(bytes, rulesOf(options));
    if ("steps" in checked) {
      await ctx.addSteps(checked.steps, { where: "next" });
      return { results: Results.SUCCESS, summary: `${count(checked.steps.length, "step")} from ${file}` };
    }
    const { problems } = checked;
    await (await ctx.log("problems")).write(formatProblems(file, problems));
    const [first] = problems;
    const reason =
      problems.length === 1 && first ? `line ${first.line}: ${first.message}` : count(problems.length, "problem");
    return { results: Results.FAILURE, summary: `no steps from ${file}`, reason };
  },
});

/** The file that counts for this build; a text says why there is none. */
async function readPipeline(ctx: StepContext, options: Options): Promise<Uint8Array | string> {
  const { file, workdir, trustForks, repourl, limits } = options;
  const isTrusted = ctx.property("trusted") === true;
  if (isTrusted || trustForks === true)
    return readWorkerFile(ctx, ctx.path(workdir, file), limits.bytes).catch((error: unknown) => {
      if (error instanceof StepFailed) return error.message.replace(/\.$/, "");
      throw error;
    });
  if (trustForks === false)
    return 'the code is a stranger\'s, whose pipeline file is not read; trustForks: "base" reads that of the base branch';
  const branch = ctx.property("pullrequest_base");
  if (repourl === undefined) return 'trustForks: "base" needs the option repourl';
  if (typeof branch !== "string" || !isRefName(branch) || !isPlainBranch(branch))
    return "no base branch is known of this build";
  return readBaseFile(ctx, { repourl, branch, file });
}

/** What the pipeline file of a step with these options may have and name. */
export function pipelineRulesOf(written: unknown): PipelineRules {
  return rulesOf(options.parse(written));
}

function rulesOf({ steps, secrets, properties, schedulers, limits }: Options): PipelineRules {
  const kinds = steps.flatMap((one) => kindOf(one) ?? []);
  return {
    steps: new Map(kinds.map((kind) => [kind.type, kind])),
    secrets,
    properties,
    schedulers,
    maxSteps: limits.steps,
    maxBytes: limits.bytes,
  };
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
