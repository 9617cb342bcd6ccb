import { Counter, type Registry, type Result, Results, resultName } from "@multimaster/core";

/** Counts the builds that this engine has ended, by result. */
export function countFinishedBuilds(metrics: Registry): (results: Result) => void {
  const finished = new Counter({
    name: "multimaster_builds_finished_total",
    help: "Builds that this master has ended, by result.",
    labelNames: ["result"],
    registers: [metrics],
  });
  // All there from the start: a rate needs a zero to begin with.
  for (const result of Object.values(Results)) finished.inc({ result: resultName(result) }, 0);
  return (results) => finished.inc({ result: resultName(results) });
}
