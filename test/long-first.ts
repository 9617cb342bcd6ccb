import { BaseSequencer, type TestSpecification } from "vitest/node";

/** The files that take longest, the longest first: at the end of a run, one of them would keep one core busy alone. */
const long = [
  "cluster/planted-faults",
  "cluster/chaos",
  "cluster/every-fault-under-load",
  "cluster/chaos",
  "cluster/upgrade",
  "browser/cluster",
  "cluster/bad-input",
  "cluster/balancers",
  "cluster/command-line",
  "cluster/hardened-router",
  "cluster/faults/router-killed-and-back-06",
  "cluster/faults/rolling-upgrades-23",
  "browser/web",
  "cluster/faults/claim-committed-answer-lost-04",
  "cluster/faults/two-releases-side-by-side-23",
  "cluster/database-loss",
  "cluster/drain",
  "cluster/fuzzed-rest",
  "cluster/trigger",
  "contract/bus.wamp",
  "integration/cluster/drain-master",
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
