import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { isLong } from "../harness/long-form.ts";
import { startProcess } from "../harness/processes.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/**
 * Each with its scenario's test and how that must fail, so that no other failure passes for it. They wait for what does
 * not come: `npm run test:planted` plants them.
 */
const faults = [
  [
    "fencing",
    "engine-woken-in-mid-write-03",
    "changes no row, and says that it was fenced",
    /waited 60 s for master frozen to log that it was fenced off/,
  ],
  [
    "durable cursor",
    "webhooks-while-no-scheduler-runs-10",
    "every change acknowledged while no scheduler runs is in one buildset of each",
    /waited 90 s for two buildsets of each change/,
  ],
  [
    "orphan interrupt",
    "worker-at-two-engines-20",
    "is attached to one, and builds once",
    /AssertionError: expected true to be false/,
  ],
] as const;

describe.runIf(isLong)("without a safeguard, a scenario fails", () => {
  // Side by side: most of the time they wait for what does not come.
  it.concurrent.each(faults)(
    "without %s, scenario %s fails",
    async (fault, scenario, test, failure) => {
      const run = await startProcess({
        name: `scenario ${scenario} without ${fault}`,
        command: process.execPath,
        args: [
          "node_modules/vitest/vitest.mjs",
          "run",
          "--config=test/vitest.config.ts",
          "--project=cluster",
          `test/cluster/faults/${scenario}.test.ts`,
          `--testNamePattern=${test}`,
          // They wait for what does not come, beside everything else that runs.
          "--testTimeout=330000",
        ],
        cwd: root,
        // It is a run of its own, not a worker of this one.
        env: { PLANTED_FAULT: fault, NO_COLOR: "1", VITEST_POOL_ID: undefined, CI: undefined },
      });
      const { code } = await run.waitForExit({ timeoutMs: 360_000 });
      expect(run.output()).toContain(`planted: without ${fault}`);
      expect(run.output()).toMatch(failure);
      expect(run.output()).toMatch(/Tests\s+1 failed/);
      expect(code).toBe(1);
    },
    400_000,
  );
});
