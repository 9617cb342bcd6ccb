import { type Connection, isLeaseOpen, queryRows, upsert } from "@multimaster/database";
import { transition } from "./transition.ts";

/**
 * Notes with which config a master runs: in the transaction in which it joins (one at a time), and when it takes over another one
 * while it runs. It is another one if neither a master
 * that runs, nor this master before, nor the one that started last had it: masters that start one after the other with the same
 * new config note it once.
 */
export async function noteConfig(
  tx: Connection,
  { masterid, name }: { readonly masterid: number; readonly name: string },
  hash: string,
): Promise<void> {
  const known = await queryRows<{ hash: string; name: string }>(
    tx,
    `select c.hash, m.name from mm_master_configs c join masters m on m.id = c.masterid
      where c.masterid = ? or c.started_at = (select max(started_at) from mm_master_configs)
         or exists (select 1 from mm_leases l where l.masterid = c.masterid and ${isLeaseOpen("l")})
      order by c.started_at desc, c.masterid desc`,
    [masterid],
  );
  const [last] = known;
  const [row] = await queryRows<{ now: number; epoch: number | null }>(
    tx,
    `select ${tx.dialect.now} as now, (select epoch from mm_leases where masterid = ?) as epoch`,
    [masterid],
  );
  const started_at = Number(row?.now);
  const epoch = row?.epoch ?? null;
  await upsert(tx, { table: "mm_master_configs", rows: [{ masterid, hash, started_at, epoch }], key: ["masterid"] });
  if (!last || known.some((one) => one.hash === hash)) return;
  await transition(tx, async (t) => {
    t.record("config-changed", masterid, { name, before: last.hash, hash, last: last.name });
  });
}
