import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, the longest first: at the end of a run, one of them would keep one core busy alone. */
const long = [
  "cluster/upgrade",
  "browser/web",
  "browser/cluster",
  "browser/contents",
  "cluster/bad-input",
  "cluster/database-loss",
  "cluster/chaos",
  "cluster/faults/router-killed-and-back-06",
  "cluster/command-line",
  "cluster/balancers",
  "cluster/hardened-router",
  "cluster/faults/claim-committed-answer-lost-04",
  "cluster/faults/rolling-upgrades-23",
  "cluster/every-fault-under-load",
  "cluster/docs",
  "cluster/faults/two-releases-side-by-side-23",
  "cluster/faults/log-writer-killed-29",
  "cluster/farms",
  "cluster/faults/retention-killed-33",
  "cluster/faults/lock-holder-killed-26",
  "cluster/stopping",
  "integration/cluster/drain-master",
  "contract/bus.wamp",
];

/** Runs the long files first, then the others as vitest orders them. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = long.findIndex((path) => moduleId.endsWith(`/test/${path}.test.ts`));
      return at === -1 ? long.length : at;
    };
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b));
  }
}
