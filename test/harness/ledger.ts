import { readFileSync } from "node:fs";

/** One line of the ledger: a step of the ledger config has begun or ended a run, on a worker, as seen from outside. */
export interface LedgerEntry {
  /** "begin job 1": what, of which builder, in the build of which number. */
  what: string;
  word: "begin" | "end";
  builder: string;
  /** The build's number: every attempt at a request has its own. */
  number: number;
  /** What follows is unknown of a line that the ledger config of an older release has written. */
  request?: number;
  worker?: string;
  /** Another one for each time that the line was really written. */
  nonce?: string;
}

/** What the rows say of the builds of a request. */
export interface BuildOutcome {
  request: number;
  builder: string;
  number: number;
  /** Null while it runs. */
  results: number | null;
}

/** Its lines in the order in which they were written; a line that is no entry is an error. */
export function readLedger(path: string): LedgerEntry[] {
  let text = "";
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
  return text.split("\n").flatMap((line) => (line === "" ? [] : [parseEntry(line)]));
}

export function parseEntry(line: string): LedgerEntry {
  const match =
    /^(?<what>(?<word>begin|end) (?<builder>\S+) (?<number>\d+))(?<more> request=(?<request>\d+) worker=(?<worker>\S+) nonce=(?<nonce>\S+))?$/.exec(
      line,
    );
  if (!match?.groups) throw new Error(`this is no line of the ledger: ${line}`);
  const { what, word, builder, number, more, request, worker, nonce } = match.groups as Record<string, string>;
  const entry = { what, word, builder, number: Number(number) } as LedgerEntry;
  return more === undefined ? entry : ({ ...entry, request: Number(request), worker, nonce } as LedgerEntry);
}

/** What must not have happened, in sentences; none means that all is well. */
export function findLedgerViolations(written: readonly LedgerEntry[], builds: readonly BuildOutcome[]): string[] {
  const requests = new Map(builds.map(({ builder, number, request }) => [`${builder} ${number}`, request]));
  const entries = written.map((entry) => ({
    request: requests.get(`${entry.builder} ${entry.number}`) ?? 0,
    ...entry,
  }));
  return [
    ...findEndedTwice(entries, builds),
    ...findForgottenEnds(entries, builds),
    ...findOverlaps(entries),
    ...findRepeatedLines(entries),
  ];
}

const success = 0;
const retry = 5;

/**
 * Requests that ran to their end more than once. An end that came before its master died, so that no one could write it
 * down and the build is RETRY, has to be repeated: that one does not count.
 */
function findEndedTwice(entries: readonly LedgerEntry[], builds: readonly BuildOutcome[]): string[] {
  const retried = new Set(
    builds.filter(({ results }) => results === retry).map(({ builder, number }) => `${builder} ${number}`),
  );
  const ends = entries.filter(({ word, builder, number }) => word === "end" && !retried.has(`${builder} ${number}`));
  return [...groupBy(ends, ({ request }) => request)]
    .filter(([, ofRequest]) => ofRequest.length > 1)
    .map(([request, ofRequest]) => `request ${request} ended more than once: ${listWhat(ofRequest)}`);
}

/** Requests that succeeded in the rows, and whose end no one saw. Of builders that do not write to it the ledger knows nothing. */
function findForgottenEnds(entries: readonly LedgerEntry[], builds: readonly BuildOutcome[]): string[] {
  const writing = new Set(entries.map(({ builder }) => builder));
  const ended = new Set(entries.filter(({ word }) => word === "end").map(({ what }) => what));
  return builds
    .filter(
      ({ results, builder, number }) =>
        results === success && writing.has(builder) && !ended.has(`end ${builder} ${number}`),
    )
    .map(({ request, builder, number }) => `request ${request} is complete, but ${builder} ${number} never ended`);
}

/** Runs of one builder on one worker, and so in one directory, of which the second began before the first ended. */
function findOverlaps(entries: readonly LedgerEntry[]): string[] {
  const found: string[] = [];
  const placed = entries.filter(({ worker }) => worker !== undefined);
  for (const [place, inPlace] of groupBy(placed, ({ builder, worker }) => `${builder} on ${worker}`)) {
    for (const [i, entry] of inPlace.entries()) {
      const end = entry.word === "begin" ? findEnd(inPlace, i) : -1;
      const within = end === -1 ? [] : inPlace.slice(i + 1, end);
      for (const other of within)
        if (other.word === "begin") found.push(`${place}: ${other.what} within ${entry.what}`);
    }
  }
  return found;
}

/** Where the run that begins at `from` ends; -1 when it was killed on its way. */
function findEnd(entries: readonly LedgerEntry[], from: number): number {
  const begin = entries[from];
  return entries.findIndex((entry, i) => i > from && entry.word === "end" && entry.number === begin?.number);
}

/** A step that was run twice in one build. */
function findRepeatedLines(entries: readonly LedgerEntry[]): string[] {
  return [...groupBy(entries, ({ what, request }) => `request ${request}: ${what}`)]
    .filter(([, same]) => same.length > 1)
    .map(([line, same]) => `${line} was run ${same.length} times: ${same.map(({ nonce = "?" }) => nonce).join(", ")}`);
}

const listWhat = (entries: readonly LedgerEntry[]) =>
  entries.map(({ what, worker = "?" }) => `${what} on ${worker}`).join(", ");

function groupBy<T, K>(items: readonly T[], keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group) group.push(item);
    else groups.set(keyOf(item), [item]);
  }
  return groups;
}
