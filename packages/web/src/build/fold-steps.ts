/** Lists with fewer steps are shown whole. */
const fewestSteps = 16;
/** Shorter runs are not worth a line that stands for them. */
const shortestRun = 4;

/** Steps in a row that succeeded, of which only the number is shown; or one step. */
export type StepRun<Step> = { readonly step: Step } | { readonly passed: readonly Step[] };

/** In a long list, folds runs of steps that succeeded, except for what must stay in sight. */
export function foldSteps<Step>(
  steps: readonly Step[],
  hasPassed: (step: Step) => boolean,
  isKept: (step: Step) => boolean,
): StepRun<Step>[] {
  if (steps.length < fewestSteps) return steps.map((step) => ({ step }));
  const runs: StepRun<Step>[] = [];
  let passed: Step[] = [];
  const endRun = () => {
    if (passed.length >= shortestRun) runs.push({ passed });
    else for (const step of passed) runs.push({ step });
    passed = [];
  };
  for (const step of steps) {
    if (hasPassed(step) && !isKept(step)) passed.push(step);
    else {
      endRun();
      runs.push({ step });
    }
  }
  endRun();
  return runs;
}
