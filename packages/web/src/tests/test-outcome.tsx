import { ResultToken } from "../components/result-token.tsx";
import { standingOfTest, verbOfTest } from "../format/tests.ts";

/** The outcome of a test. */
export function TestOutcome({ outcome }: { outcome: string }) {
  return <ResultToken standing={standingOfTest(outcome)} label={verbOfTest(outcome)} />;
}
