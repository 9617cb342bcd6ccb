import { Results } from "@multimaster/core";
import {
  type Connection,
  endNotesOfMended,
  hashColumns,
  insertLineBuilds,
  type LineBuild,
  type LineKey,
  type LineState,
  lockLines,
  readAfter,
  readLineStates,
  readSourcedBuilds,
  type SourcedBuild,
  saysSomething,
  writeFailing,
  writeMended,
} from "@multimaster/database";
import { isWatchedBranch } from "./watched-branches.ts";

/**
 * Puts builds that ended where their sources belong in the history of their builder and branches, and writes down what fails
 * since then (docs/decisions/failing-by-source.md). Builds that say nothing about a branch are left out: skipped, retried and
 * cancelled ones, those of a patch, and those of a revision that stands nowhere.
 */
export async function noteEnds(tx: Connection, buildids: readonly number[]): Promise<void> {
  if (buildids.length === 0) return;
  const placed = (await readSourcedBuilds(tx, buildids)).flatMap(placeBuild);
  if (placed.length === 0) return;
  const lines = await lockLines(
    tx,
    placed.map(({ key }) => key),
  );
  const builds = placed.flatMap(({ key: { builderid, hash }, ...build }): LineBuild[] => {
    const line = lines.get(`${builderid} ${hash}`);
    return line === undefined ? [] : [{ ...build, lineid: line.lineid }];
  });
  const added = new Set(await insertLineBuilds(tx, builds));
  const addedTo = new Map<number, number[]>();
  for (const { buildid, lineid } of builds)
    if (added.has(buildid)) addedTo.set(lineid, [...(addedTo.get(lineid) ?? []), buildid]);
  const mended: number[] = [];
  for (const state of await readLineStates(tx, [...addedTo.keys()])) {
    if (state.newest?.good === false) await noteFailing(tx, state, addedTo.get(state.lineid) ?? []);
    else if (state.failing) mended.push(state.lineid);
  }
  if (mended.length === 0) return;
  await writeMended(tx, mended);
  await endNotesOfMended(tx, mended);
}

interface PlacedBuild extends Omit<LineBuild, "lineid"> {
  readonly key: LineKey;
}

function placeBuild(build: SourcedBuild): PlacedBuild[] {
  const { buildid, results, patched } = build;
  const place = placeOf(build);
  if (patched || place === undefined || results === null || !saysSomething.includes(results)) return [];
  return [{ buildid, ...place, good: results === Results.SUCCESS || results === Results.WARNINGS }];
}

/**
 * The line of a build, and its place there; undefined if a revision of it stands nowhere. Of a build with several codebases the
 * places add up: a build of which no source is older has no lower place.
 */
export function placeOf({
  builderid,
  sources,
}: SourcedBuild): { readonly key: LineKey; readonly position: number } | undefined {
  let position = 0;
  for (const { changeid } of sources) {
    if (changeid === undefined) return undefined;
    position += changeid;
  }
  return { key: keyOf(builderid, sources), position };
}

function keyOf(builderid: number, sources: SourcedBuild["sources"]): LineKey {
  const hash = hashColumns(...sources.flatMap(({ codebase, branch }) => [codebase, branch ?? ""]));
  const branches = new Set(sources.map(({ branch }) => branch));
  const [only = null] = branches;
  const nameOf = (branch: string | null) => branch ?? "default branch";
  const source =
    branches.size <= 1
      ? nameOf(only)
      : sources.map(({ codebase, branch }) => `${codebase || "source"}: ${nameOf(branch)}`).join(", ");
  const watched = sources.every(({ branch }) => isWatchedBranch(branch));
  return { builderid, hash, branch: branches.size === 1 ? only : null, source, watched };
}

async function noteFailing(tx: Connection, state: LineState, added: readonly number[]): Promise<void> {
  const { lineid, newest, lastGood, written, failing } = state;
  if (newest === undefined) return;
  // Retention may have deleted the last good build; what was written of it stays.
  const good = lastGood?.buildid ?? (failing ? written.lastGood : null);
  const isNext = failing && good === written.lastGood && added.length === 1 && added[0] === newest.buildid;
  if (isNext && written.firstBad !== null) {
    const count = written.count + 1;
    await writeFailing(tx, { lineid, lastGood: good, firstBad: written.firstBad, newest: newest.buildid, count });
    return;
  }
  const { first, count } = await readAfter(tx, lineid, lastGood);
  await writeFailing(tx, { lineid, lastGood: good, firstBad: first ?? newest.buildid, newest: newest.buildid, count });
}
