import { type Connection, execute, queryRows } from "@multimaster/database";

/** An old master and the one that replaces it. */
export interface UpgradePair {
  masterid: number;
  old: string;
  pid: number;
  name: string;
  roles: string[];
  builderSets: string[] | "all";
}

/** An upgrade of a host's masters that has not come to its end: it runs, or was killed. */
export interface UpgradeRun {
  id: number;
  host: string;
  config: string;
  /** Epoch seconds. */
  beganAt: number;
  pairs: UpgradePair[];
}

/** Notes that an upgrade begins; those of the host before it no longer count. */
export async function beginUpgradeRun(
  connection: Connection,
  run: Pick<UpgradeRun, "host" | "config" | "pairs">,
): Promise<number> {
  const { now } = connection.dialect;
  await execute(connection, `update mm_upgrades set ended_at = ${now} where host = ? and ended_at is null`, [run.host]);
  const [row] = await queryRows<{ id: number }>(
    connection,
    `insert into mm_upgrades (host, config, plan, began_at) values (?, ?, ?, ${now}) returning id`,
    [run.host, run.config, JSON.stringify(run.pairs)],
  );
  return (row as { id: number }).id;
}

/** Notes that it has come to its end, whatever that was: nothing is left to check. */
export async function endUpgradeRun(connection: Connection, id: number): Promise<void> {
  await execute(connection, `update mm_upgrades set ended_at = ${connection.dialect.now} where id = ?`, [id]);
}

/** Those without an end, the oldest first. */
export async function openUpgradeRuns(connection: Connection): Promise<UpgradeRun[]> {
  const rows = await queryRows<{ id: number; host: string; config: string; plan: string; began_at: number }>(
    connection,
    "select id, host, config, plan, began_at from mm_upgrades where ended_at is null order by id",
  );
  return rows.map(({ id, host, config, plan, began_at }) => ({
    id,
    host,
    config,
    beganAt: began_at,
    pairs: JSON.parse(plan) as UpgradePair[],
  }));
}
