import { ResultToken } from "../components/result-token.tsx";
import { standingOfTest, verbOfTest } from "../format/tests.ts";

/** How a test ended. */
export function TestOutcome({ outcome }: { outcome: string }) {
  return <ResultToken standing={standingOfTest(outcome)} label={verbOfTest(outcome)} />;
}
