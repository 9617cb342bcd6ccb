import type { Step } from "@multimaster/data";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { ResultMark } from "../components/result-token.tsx";
import { Took } from "../components/when.tsx";
import { standingOf } from "../format/result.ts";
import { foldSteps } from "./fold-steps.ts";

/** Whether it is a part of the step that added it. */
const isInner = ({ added_as: as }: Step) => as === "together" || as === "announced";

/** The steps in a column that scrolls by itself; each links to its log. In a long one, runs of steps that passed are folded. */
export function StepList({
  steps,
  selected,
  href,
}: {
  steps: readonly Step[];
  selected: Step | undefined;
  href: (step: Step) => string;
}) {
  const ref = useRef<HTMLOListElement>(null);
  /** The first steps of the runs that the reader has opened. */
  const [opened, setOpened] = useState<ReadonlySet<number>>(new Set());
  const nameOf = (id: number | null) => steps.find(({ stepid }) => stepid === id)?.name ?? "another step";
  const runs = foldSteps(
    steps,
    (step) => standingOf(step) === "success",
    ({ stepid }) => stepid === selected?.stepid,
  );
  useLayoutEffect(() => showSelected(ref.current), [selected?.stepid, steps.length, opened]);
  const item = (step: Step) => {
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
  };
  return (
    <ol ref={ref} class="steps" aria-label="Steps">
      {runs.map((run) => {
        if ("step" in run) return item(run.step);
        const first = run.passed[0]?.stepid ?? 0;
        if (opened.has(first)) return run.passed.map(item);
        return (
          <li key={`passed-${first}`}>
            <button type="button" class="passed" onClick={() => setOpened((old) => new Set(old).add(first))}>
              <ResultMark standing="success" /> {run.passed.length} passed
            </button>
          </li>
        );
      })}
    </ol>
  );
}

/** Scrolls the list, and nothing else, so that the chosen step is in sight. */
function showSelected(list: HTMLElement | null): void {
  const chosen = list?.querySelector<HTMLElement>("[aria-current]");
  if (!list || !chosen) return;
  const { top, bottom } = chosen.getBoundingClientRect();
  const edges = list.getBoundingClientRect();
  if (top < edges.top || bottom > edges.bottom) list.scrollTop += top - edges.top - edges.height / 3;
}
