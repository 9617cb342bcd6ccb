import { type Result, Results, resultName } from "@multimaster/core";

/** The number of each result: "2 success", "1 failure". */
export function countResults(results: readonly Result[]): string[] {
  return Object.values(Results).flatMap((result) => {
    const count = results.filter((one) => one === result).length;
    return count === 0 ? [] : [`${count} ${resultName(result)}`];
  });
}
