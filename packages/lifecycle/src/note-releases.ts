import { type Connection, isLeaseOpen, queryRows } from "@multimaster/database";
import type { Transition } from "./transition.ts";

interface Releases {
  /** Of the master that is gone; null: it had no lease. */
  readonly gone: string | null;
  /** Of the masters that are left. */
  readonly left: readonly string[];
  readonly masters: number;
}

/**
 * Notes that an upgrade is done: a master is gone, and all that are left run one release, which it did not. Masters that go at
 * the same time wait here for each other's end, so that one of them finds that it is the last. Called at the end of a
 * transaction: nothing else is locked after it.
 */
export async function noteUpgradeDone(t: Transition, { masterid, name }: { masterid: number; name: string }) {
  if (!isLast(await readReleases(t.tx, masterid), "perhaps")) return;
  await t.tx.dialect.lockName(t.tx, "upgrade-done");
  const { gone, left, masters } = await readReleases(t.tx, masterid);
  if (isLast({ gone, left, masters }, "surely"))
    t.record("upgrade-done", masterid, { name, from: gone as string, to: left[0] as string, masters });
}

/** "perhaps": others of its release, which may be going at this moment, do not count. */
function isLast({ gone, left }: Releases, how: "perhaps" | "surely"): boolean {
  const others = how === "perhaps" ? left.filter((release) => release !== gone) : left;
  return gone !== null && others.length === 1 && others[0] !== gone;
}

async function readReleases(tx: Connection, masterid: number): Promise<Releases> {
  const rows = await queryRows<{ masterid: number; release: string }>(
    tx,
    `select l.masterid, l.release from mm_leases l where l.masterid = ? or ${isLeaseOpen("l")}`,
    [masterid],
  );
  const others = rows.filter((row) => row.masterid !== masterid);
  return {
    gone: rows.find((row) => row.masterid === masterid)?.release ?? null,
    left: [...new Set(others.map(({ release }) => release))],
    masters: others.length,
  };
}
