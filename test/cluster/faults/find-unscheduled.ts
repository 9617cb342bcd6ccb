import { findViolations } from "../../harness/checks.ts";
import type { TestCluster } from "../../harness/cluster.ts";

/** What is wrong with changes and their buildsets in a cluster without engines, whose requests stay open. */
export async function findUnscheduled(cluster: TestCluster): Promise<string[]> {
  const empty = await cluster.rows<{ id: number }>(
    "select id from buildsets b where not exists (select 1 from buildrequests r where r.buildsetid = b.id)",
  );
  return [
    ...(await findViolations(cluster)).filter((found) => found.startsWith("a change")),
    ...empty.map(({ id }) => `buildset ${id} has no request`),
  ];
}
