import type { TestCluster } from "../../harness/cluster.ts";

/** What the steps of the ledger config wrote outside the cluster: "begin job 1", and so on, in order. */
export function whatRan({ ledger }: TestCluster): string[] {
  return ledger.lines().map((line) => line.split(" ").slice(0, 3).join(" "));
}
