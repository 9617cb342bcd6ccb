import {
  buildsBelow,
  type Database,
  type LineHistory,
  lockLineHistory,
  queryRows,
  saysSomething,
  unplacedAfter,
  writeLineHistory,
} from "@multimaster/database";
import { noteEnds } from "./note-ends.ts";

/** Builds that one transaction reads, so that it holds its locks for a short time. */
const builds = 250;

/** How long after its completion a build may be committed. */
const slackSeconds = 300;

/**
 * Reads one piece of what ended without being noted: first what completed lately on masters that do not know how (of an earlier
 * release, or Buildbot's), then what ended before the tables came, newest first. Returns whether there is more. One master
 * reads at a time.
 */
export async function noteHistory(database: Database): Promise<boolean> {
  return database.transaction(async (tx) => {
    const history = await lockLineHistory(tx);
    if (history === undefined) return false;
    const [row] = await queryRows<{ now: number }>(tx, `select ${tx.dialect.now} as now`);
    const now = Number(row?.now);
    const { next, more } = await noteLate(history, now);
    if (more || history.below === 0) {
      await writeLineHistory(tx, next);
      return more;
    }
    const older = await buildsBelow(tx, history.below, builds);
    await noteEnds(
      tx,
      older.flatMap(({ id, results }) => (results !== null && saysSomething.includes(results) ? id : [])),
    );
    const below = older.length < builds ? 0 : (older.at(-1)?.id ?? 0);
    await writeLineHistory(tx, { ...next, below });
    return below > 0;

    async function noteLate(history: LineHistory, now: number): Promise<{ next: LineHistory; more: boolean }> {
      const from = { complete_at: Math.floor(history.checkedAt - slackSeconds), id: 0 };
      // Those that belong into no line are read again until they are old enough.
      const late = await unplacedAfter(tx, from, builds);
      await noteEnds(
        tx,
        late.map(({ id }) => id),
      );
      const full = late.length === builds;
      // Nothing before the last of a full piece is left; it gets on even if all of these are of one second.
      const reached = (late.at(-1)?.complete_at ?? 0) + slackSeconds;
      const checkedAt = full ? Math.max(history.checkedAt + 1, reached) : now;
      return { next: { below: history.below, checkedAt }, more: full };
    }
  });
}
