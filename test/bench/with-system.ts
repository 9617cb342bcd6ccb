import pg from "pg";
import { waitFor } from "../harness/wait-for.ts";
import { attachWorkers, type Workers } from "./attach-workers.ts";
import type { Side, StartOptions, System } from "./sides/side.ts";

/** Starts a system with its workers, and ends both whatever happens. */
export async function withSystem<T>(
  side: Side,
  options: StartOptions,
  use: (system: System, workers: Workers) => Promise<T>,
): Promise<T> {
  const system = await side.start(options);
  try {
    const workers = await attachWorkers(system);
    try {
      return await use(system, workers);
    } finally {
      await workers.stop();
    }
  } finally {
    await system.stop();
  }
}

/** Waits until every request is complete, except those of builders whose worker never comes or whose lock is held. */
export async function waitUntilIdle({ database }: Pick<System, "database">, timeoutMs = 600_000): Promise<void> {
  const open = `select count(*) as n from buildrequests r join builders b on b.id = r.builderid
     where r.complete = 0 and b.name <> 'waiting' and b.name not like 'locked-%'`;
  // One connection for all looks: opening one for each would compete with what is measured.
  const client = new pg.Client(database);
  await client.connect();
  try {
    await waitFor(async () => Number((await client.query<{ n: string }>(open)).rows[0]?.n) === 0, {
      what: "all builds to end",
      timeoutMs,
      intervalMs: 20,
    });
  } finally {
    await client.end();
  }
}
