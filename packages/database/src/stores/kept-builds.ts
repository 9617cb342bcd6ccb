import type { Connection } from "../connection.ts";
import { execute, queryRows } from "../dialect.ts";
import { fitNullable, longest, truncateText } from "./column-text.ts";

/** Who keeps a build, and why. */
export interface Keeper {
  readonly who: string;
  readonly name: string;
  readonly reason: string | null;
}

/** Marks a build as kept, or replaces its mark; false: there is no such build. */
export async function keepBuild(tx: Connection, buildid: number, { who, name, reason }: Keeper): Promise<boolean> {
  // Retention locks a build before it looks for the mark: from here on it waits, and then sees it.
  const found = await queryRows(tx, `select id from builds where id = ?${tx.dialect.keyShareLock}`, [buildid]);
  if (found.length === 0) return false;
  await execute(
    tx,
    `insert into mm_kept_builds (buildid, who, name, reason, at) values (?, ?, ?, ?, ${tx.dialect.nowSeconds})
     on conflict (buildid) do update set who = excluded.who, name = excluded.name, reason = excluded.reason, at = excluded.at`,
    [buildid, truncateText(who, 255), truncateText(name, 255), fitNullable(reason, longest.sentence)],
  );
  return true;
}

/** Takes the mark away; false: it has none. */
export async function releaseBuild(tx: Connection, buildid: number): Promise<boolean> {
  return (await execute(tx, "delete from mm_kept_builds where buildid = ?", [buildid])) > 0;
}
