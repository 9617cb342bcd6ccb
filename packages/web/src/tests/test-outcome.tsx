import { ResultToken } from "../parts/result-token.tsx";
import { standingOfTest, verbOfTest } from "../words/tests.ts";

/** How a test ended. */
export function TestOutcome({ outcome }: { outcome: string }) {
  return <ResultToken standing={standingOfTest(outcome)} label={verbOfTest(outcome)} />;
}
