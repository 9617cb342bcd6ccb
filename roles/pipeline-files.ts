import type { LoadedConfig } from "@multimaster/config";
import { errors } from "@multimaster/core";
import { builtInSteps } from "@multimaster/plugins/pipeline/built-in-steps";
import { checkPipeline, type PipelineRules, usualLimits } from "@multimaster/plugins/pipeline/check-pipeline";
import { describePipeline } from "@multimaster/plugins/pipeline/describe-pipeline";
import { formatProblems } from "@multimaster/plugins/pipeline/problem";
import { pipelineRulesOf } from "@multimaster/plugins/steps/from-repository";

/** What any config could allow: the steps of this release, and any name. Limits are those of a config that sets none. */
function anyRules(): PipelineRules {
  return {
    steps: builtInSteps(),
    secrets: "any",
    properties: "any",
    schedulers: "any",
    ...usualLimits,
  };
}

/** What a builder's `fromRepository` allows; without a config what any of them could. */
export async function readPipelineRules(config?: LoadedConfig, builderName?: string): Promise<PipelineRules> {
  if (!config) return anyRules();
  const found: { readonly builder: string; readonly options: unknown }[] = [];
  for (const { builders } of (await config.builders("all")).values()) {
    for (const { name, steps } of builders)
      for (const { plugin, options } of steps)
        if (plugin.type === "from-repository" && (builderName === undefined || name === builderName))
          found.push({ builder: name, options });
  }
  const [one, other] = found;
  if (!one)
    throw errors.notFound(
      `${builderName === undefined ? "No builder" : `The builder "${builderName}"`} has no step fromRepository.`,
    );
  if (other && other.builder !== one.builder)
    throw errors.requestInvalid(
      `${found.map(({ builder }) => builder).join(", ")} read pipeline files; say with --builder for which to check.`,
    );
  return pipelineRulesOf(one.options);
}

/** What is wrong with a pipeline file, a line each; or how many steps it has. */
export function checkPipelineFile(
  file: string,
  bytes: Uint8Array,
  rules: PipelineRules,
): { readonly steps: number } | { readonly problems: string; readonly count: number } {
  const checked = checkPipeline(bytes, rules);
  if ("steps" in checked) return { steps: checked.steps.length };
  return { problems: formatProblems(file, checked.problems), count: checked.problems.length };
}

/** The JSON schema of pipeline files, for editors. */
export function describePipelineFiles({ steps, maxSteps }: PipelineRules): object {
  return describePipeline(steps.values(), maxSteps);
}
