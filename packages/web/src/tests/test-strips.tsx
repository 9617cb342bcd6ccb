import type { TestRun } from "@multimaster/data";
import { formatTestTime, standingOfTest, verbOfTest } from "../format/tests.ts";

/** The recent outcomes of a test, the newest on the right. */
export function OutcomeStrip({ outcomes }: { outcomes: readonly string[] }) {
  return (
    <span class="strip" role="img" aria-label={outcomes.map(verbOfTest).join(", ")}>
      {outcomes.map((outcome, i) => (
        <span key={i} class={standingOfTest(outcome)}>
          <i style={{ height: outcome === "pass" ? "60%" : "100%" }} />
        </span>
      ))}
    </span>
  );
}

/** The same by build: each bar links to a build, its height is the duration of the test. */
export function RunStrip({ runs }: { runs: readonly TestRun[] }) {
  const longest = runs.reduce((most, { duration_ns: ns }) => Math.max(most, ns ?? 0), 1);
  return (
    <span class="strip tall">
      {runs.toReversed().map((run) => {
        const label = `#${run.number} ${verbOfTest(run.outcome)}, ${formatTestTime(run.duration_ns)}`;
        return (
          <a
            key={run.test_resultid}
            href={buildHref(run)}
            class={standingOfTest(run.outcome)}
            title={label}
            aria-label={label}
          >
            <i style={{ height: `${25 + 75 * Math.sqrt((run.duration_ns ?? 0) / longest)}%` }} />
          </a>
        );
      })}
    </span>
  );
}

export function buildHref({ builderid, number }: Pick<TestRun, "builderid" | "number">): string {
  return `/builders/${builderid}/builds/${number}`;
}

/** The address of the step that reported the test, where its log explains a failure. */
export function logHref(run: TestRun): string {
  return run.step_number === null ? buildHref(run) : `${buildHref(run)}/steps/${run.step_number}`;
}
