import type { Data } from "@multimaster/data";
import type { StepContext } from "@multimaster/plugins";
import type { Persistence } from "../builds/persistence.ts";
import type { Secrets } from "../logs/secrets.ts";

/** Results written in one transaction. */
const batch = 1000;

export interface StepTestsOptions {
  data: Data;
  persistence: Persistence;
  buildid: number;
  stepid: number;
  /** Names of tests are there for all to read. */
  secrets: Secrets;
  signal: AbortSignal;
  /** The step's code waits for the database; control returns to it. */
  onWait(): void;
  onReturn(): Promise<void>;
}

/** Stores what a step reports of tests: a set of results, in pieces that keep no other writer waiting. */
export function createStepTests(options: StepTestsOptions): StepContext["addTestResults"] {
  const { data, persistence, buildid, stepid, secrets, signal, onWait, onReturn } = options;
  const { testResults } = data.updates;
  const hide = (text: string | null) => (text === null ? null : secrets.hide(text));
  return async ({ description, category, valueUnit, passed, failed, results }) => {
    signal.throwIfAborted();
    onWait();
    try {
      const { setid } = await persistence.write(`add test results to step ${stepid}`, () =>
        testResults.add({
          buildid,
          stepid,
          description: hide(description),
          category: secrets.hide(category),
          valueUnit: secrets.hide(valueUnit),
        }),
      );
      for (let first = 0; first < results.length; first += batch) {
        signal.throwIfAborted();
        const part = results.slice(first, first + batch).map((result) => ({
          ...result,
          name: hide(result.name),
          path: hide(result.path),
          value: secrets.hide(result.value),
        }));
        await persistence.write(`append to test results ${setid}`, () => testResults.append(setid, first, part));
      }
      await persistence.write(`complete test results ${setid}`, () => testResults.complete(setid, { passed, failed }));
    } finally {
      await onReturn();
    }
  };
}
