import type { Step } from "@multimaster/data";
import { ResultMark } from "../components/result-token.tsx";
import { Took } from "../components/when.tsx";
import { standingOf } from "../format/result.ts";

/** Whether it is a part of the step that added it. */
const isInner = ({ added_as: as }: Step) => as === "together" || as === "announced";

/** The steps in a column; each links to its log. */
export function StepList({
  steps,
  selected,
  href,
}: {
  steps: readonly Step[];
  selected: Step | undefined;
  href: (step: Step) => string;
}) {
  const nameOf = (id: number | null) => steps.find(({ stepid }) => stepid === id)?.name ?? "another step";
  return (
    <ol class="steps" aria-label="Steps">
      {steps.map((step) => {
        const standing = standingOf(step);
        return (
          <li key={step.stepid} data-row class={isInner(step) ? "inner" : undefined}>
            <a href={href(step)} class={standing} aria-current={step.stepid === selected?.stepid ? "step" : undefined}>
              <ResultMark standing={standing} />
              <span class="step-name cut" title={step.name}>
                {step.name}
                {isInner(step) && <span class="sr-only">, a part of {nameOf(step.added_by)}</span>}
              </span>
              {step.started_at !== null && (
                <span class="quiet">
                  <Took from={step.started_at} to={step.complete_at} />
                </span>
              )}
            </a>
          </li>
        );
      })}
    </ol>
  );
}
