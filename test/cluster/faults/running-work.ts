import type { TestCluster } from "../../harness/cluster.ts";
import { listChildren } from "../../harness/processes.ts";
import { waitFor } from "../../harness/wait-for.ts";

/**
 * Waits until the step "work" of the n-th build has its command on the worker, where those of the builds before still
 * run; the process ids of all. The ledger's line alone may be of the step before, whose shell is about to end.
 */
export async function waitForWork(
  cluster: Pick<TestCluster, "ledger" | "rows">,
  worker: { readonly pid: number },
  { builds = 1, timeoutMs = 90_000 } = {},
): Promise<number[]> {
  const open = "select 1 from steps where name = 'work' and started_at is not null and complete_at is null";
  return await waitFor(
    async () => {
      if (cluster.ledger.lines().length !== builds || (await cluster.rows(open)).length !== 1) return undefined;
      const commands = listChildren(worker.pid);
      return commands.length === builds ? commands : undefined;
    },
    { what: `the work of build ${builds} to run`, timeoutMs },
  );
}
