import { silentLog } from "@multimaster/core";
import { openDatabase } from "@multimaster/database";
import { claimRequests, join } from "../../harness/members.ts";
import { insertRequests } from "../fill-database.ts";
import { batch, claimants, inBatches } from "../limits/batches.ts";
import type { Figures, Measure } from "../measure.ts";

export const claims: Measure = {
  name: "claims",
  title: "Claims",
  about: `${claimants} masters claim requests in batches of ${batch} as engines do, each with its own connection and lease; no build runs.`,
  sides: ["multimaster"],
  rows: [
    {
      name: "claims",
      title: "claims",
      unit: "per s",
      better: "more",
      goal: { text: "≥ 50 % of raw SKIP LOCKED", ofLimit: 0.5 },
      limit: "claims",
      alone: "Buildbot claims as part of a start only",
    },
  ],
  async run(side, { size }): Promise<Figures> {
    const count = size.pick(4000, 20_000);
    const url = await side.newDatabase();
    await side.postgres.psql("insert into builders (name, name_hash) values ('builder-1', 'builder-1')", url);
    await insertRequests(side.postgres, url, count);
    const rows = await side.postgres.psql<{ id: number }>("select id from buildrequests order by id", url);
    const masters = await Promise.all(
      Array.from({ length: claimants }, async (_, i) => {
        const database = await openDatabase(url, { log: silentLog });
        const { lease } = await join(database, { defaultBase: `bench-${i}` });
        return { database, lease };
      }),
    );
    const batches = inBatches(rows.map(({ id }) => id));
    const begin = performance.now();
    const claimed = await Promise.all(
      masters.map(async ({ database, lease }) => {
        let own = 0;
        for (let ids = batches.pop(); ids; ids = batches.pop())
          own += (await claimRequests(database, lease, ids)).length;
        return own;
      }),
    );
    const seconds = (performance.now() - begin) / 1000;
    await Promise.all(masters.map(({ database }) => database.close()));
    const total = claimed.reduce((sum, own) => sum + own, 0);
    if (total !== count) throw new Error(`only ${total} of ${count} requests were claimed`);
    return { claims: count / seconds };
  },
};
