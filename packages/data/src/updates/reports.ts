import { type Claim, claim, fencedTransaction } from "@multimaster/cluster";
import {
  answerUnasked,
  beginAttempts,
  type Connection,
  type DueReport,
  endAttempts,
  findDueReports,
  findOwedEvents,
  findReporterHolders,
  findUnasked,
  type HandedEvent,
  handOut,
  hashContext,
  hasReporters,
  holdReporter,
  type LateAnswer,
  type NewReport,
  nextReportIn,
  noteOptions,
  noteReportedBuilds,
  noteSuspended,
  noteTarget,
  type OwedEvent,
  orderReports,
  oweMissedEnds,
  type ReportEnd,
  type ReportedBuildRow,
  type ReporterRow,
  readMemory,
  readPause,
  readTrouble,
  replaceReporters,
  retryReporter,
  reviveReport,
  type TargetState,
  type UnaskedReport,
  writeMemory,
} from "@multimaster/database";
import { claimTables, releaseClaim } from "@multimaster/lifecycle";
import type { Trail } from "../model/actor.ts";
import { readReportedBuilds, readReportedBuildsets, readReportedWorker } from "../reports/read-builds.ts";
import { readBuildDetails, readChanges, readLogTail } from "../reports/read-details.ts";
import { type RequestBehind, readRequestsBehind } from "../reports/read-requests.ts";
import type {
  BuildDetails,
  ReportedBuild,
  ReportedBuildset,
  ReportedChange,
  ReportedWorker,
} from "../reports/reported.ts";
import { reporters } from "../resources/reporters.ts";
import { type FoundWaits, findNewWaits, noteLongWaits } from "./long-waits.ts";
import type { Lost } from "./lost.ts";
import type { UpdateContext } from "./update-context.ts";

export type {
  DueReport,
  HandedEvent,
  LateAnswer,
  NewReport,
  OwedEvent,
  ReportEnd,
  ReporterRow,
  TargetState,
  UnaskedReport,
};

/** What an attempt is known to be when it begins. */
export interface Attempt {
  /** An earlier attempt may have arrived. */
  readonly unsure: boolean;
  readonly attempts: number;
  /** What the reporter remembers of the context. */
  readonly memory: string | undefined;
}

/** What is remembered of contexts, by their key. */
export type Memories = ReadonlyMap<string, string>;

export interface ReportUpdates {
  /** Makes these the cluster's reporters: the config that was loaded last decides. Returns ids by name. */
  register(all: readonly ReporterRow[]): Promise<ReadonlyMap<string, number>>;
  claim(reporterid: number): Promise<Claim>;
  release(reporterid: number): Promise<void>;
  holders(ids: readonly number[]): Promise<ReadonlyMap<number, number>>;
  /** What happened and was not handed out yet, oldest first. */
  owedEvents(limit: number): Promise<readonly OwedEvent[]>;
  /**
   * Hands events out to reporters (fenced; the claim `reporterid` is checked). `asked`: the kinds of events that each reporter of
   * the caller's config was asked about; what another one wants waits until its own master asks.
   */
  handOut(
    reporterid: number,
    events: readonly HandedEvent[],
    reports: readonly NewReport[],
    asked: ReadonlyMap<number, readonly string[]>,
  ): Promise<"done" | Lost>;
  /**
   * Prepares what a reporter owes for sending (fenced, claim checked). `mark`: of its options; with others than before, nothing
   * waits any more for what was wrong with those.
   */
  order(reporterid: number, mark: string): Promise<"done" | Lost>;
  /** Owes the ends of builds that were announced and ended while no config had the reporter (fenced, claim checked). */
  oweMissedEnds(reporterid: number): Promise<"done" | Lost>;
  /** Saves why the filter of the reporter `of` is not called for a while; null: it is called (fenced, the claim `reporterid` is checked). */
  suspend(reporterid: number, of: number, why: string | null): Promise<"done" | Lost>;
  /** Events that a master handed out whose config does not have the reporter, oldest first. */
  unasked(reporterid: number, kinds: readonly string[], limit: number): Promise<readonly UnaskedReport[]>;
  /** Saves which of them are reported (fenced, claim checked). */
  answer(reporterid: number, answers: ReadonlyMap<number, LateAnswer>): Promise<"done" | Lost>;
  /** Reports that may be sent now, at most one of each context. */
  due(reporterid: number, limit: number): Promise<readonly DueReport[]>;
  /** Milliseconds until a report waits no longer; undefined: none waits. */
  nextIn(reporterid: number): Promise<number | undefined>;
  /** Why the target takes nothing, and since when in seconds, as the master knew it that sent before. */
  trouble(reporterid: number): Promise<{ readonly problem: string; readonly since: number } | undefined>;
  /** Milliseconds for which the target is to be left alone. */
  pause(reporterid: number): Promise<number>;
  /** Begins attempts (fenced, claim checked): only what this returns may be sent. */
  begin(reporterid: number, ids: readonly number[]): Promise<ReadonlyMap<number, Attempt> | Lost>;
  /** The latest report that was at a place which reports of several contexts share. */
  latestAt(reporterid: number, place: string): Promise<number | undefined>;
  /** Ends attempts, and saves how the target does, which builds it shows, and the latest report of each place (fenced, claim checked). */
  end(
    reporterid: number,
    ends: ReadonlyMap<number, ReportEnd>,
    target: TargetState,
    memories: Memories,
    shown?: readonly ReportedBuildRow[],
    places?: ReadonlyMap<string, number>,
  ): Promise<"done" | Lost>;
  readBuilds(buildids: readonly number[]): Promise<ReadonlyMap<number, ReportedBuild>>;
  readBuildsets(ids: readonly number[]): Promise<ReadonlyMap<number, ReportedBuildset>>;
  readRequests(ids: readonly number[]): Promise<ReadonlyMap<number, RequestBehind>>;
  /** Builders of which a request waits for longer than one of these times in seconds, if that was not noted. */
  findNewWaits(times: readonly number[]): Promise<readonly FoundWaits[]>;
  /** Notes them for reporters, with the reason of each request (fenced, claim checked). */
  noteLongWaits(
    reporterid: number,
    found: readonly FoundWaits[],
    reasons: ReadonlyMap<number, string>,
  ): Promise<"done" | Lost>;
  readWorker(workerid: number, facts: Readonly<Record<string, unknown>>): Promise<ReportedWorker | undefined>;
  readDetails(buildid: number): Promise<BuildDetails>;
  readChanges(buildid: number): Promise<readonly ReportedChange[]>;
  readLogTail(logid: number, lines: number): Promise<string>;
  /** Lets a reporter try immediately, whatever it waits for; with `withDead` also what was given up. Returns how many reports it owes. */
  retry(reporterid: number, withDead: boolean, trail: Trail): Promise<number>;
  /** The same for one report. False: it was sent. */
  retryReport(id: number, trail: Trail): Promise<boolean>;
}

export function createReportUpdates(context: UpdateContext): ReportUpdates {
  const { database, lease, events, track, publishOutcomes } = context;
  const changed = (reporterid: number) => track(events.of(reporters).changed([reporterid]));

  /** A write of the master that has the reporter. */
  function whileHeld<T>(reporterid: number, write: (tx: Connection) => Promise<T>): Promise<T | Lost> {
    return fencedTransaction(database, lease, async (tx) =>
      (await holdReporter(tx, reporterid, lease.masterid)) ? write(tx) : "lost",
    );
  }

  const doneWhileHeld = (reporterid: number, write: (tx: Connection) => Promise<void>): Promise<"done" | Lost> =>
    whileHeld(reporterid, async (tx) => {
      await write(tx);
      return "done" as const;
    });

  return {
    async register(all) {
      if (all.length === 0 && !(await hasReporters(database))) return new Map();
      return database.transaction((tx) => replaceReporters(tx, all));
    },
    claim: (reporterid) => claim(database, lease, claimTables.reporter, reporterid),
    async release(reporterid) {
      const outcomes = await database.transaction((tx) => releaseClaim(tx, lease, "reporter", reporterid));
      await publishOutcomes(outcomes);
    },
    holders: (ids) => findReporterHolders(database, ids),
    owedEvents: (limit) => findOwedEvents(database, limit),
    async handOut(reporterid, handed, reports, asked) {
      const receivers = await whileHeld(reporterid, (tx) => handOut(tx, handed, reports, asked));
      if (receivers === "lost") return "lost";
      await track(events.of(reporters).changed(receivers));
      return "done";
    },
    order: (reporterid, mark) =>
      doneWhileHeld(reporterid, async (tx) => {
        await orderReports(tx, reporterid);
        await noteOptions(tx, reporterid, mark);
      }),
    oweMissedEnds: (reporterid) => doneWhileHeld(reporterid, async (tx) => void (await oweMissedEnds(tx, reporterid))),
    async suspend(reporterid, of, why) {
      const isNew = await whileHeld(reporterid, (tx) => noteSuspended(tx, of, why));
      if (isNew === "lost") return "lost";
      if (isNew) await changed(of);
      return "done";
    },
    unasked: (reporterid, kinds, limit) => findUnasked(database, reporterid, kinds, limit),
    answer: (reporterid, answers) => doneWhileHeld(reporterid, (tx) => answerUnasked(tx, reporterid, answers)),
    due: (reporterid, limit) => findDueReports(database, reporterid, limit),
    async nextIn(reporterid) {
      const seconds = await nextReportIn(database, reporterid);
      return seconds === undefined ? undefined : Math.max(1, seconds * 1000);
    },
    trouble: (reporterid) => readTrouble(database, reporterid),
    pause: async (reporterid) => (await readPause(database, reporterid)) * 1000,
    async latestAt(reporterid, place) {
      const value = await readMemory(database, reporterid, hashContext(`place ${place}`));
      return value === undefined ? undefined : Number(value);
    },
    begin: (reporterid, ids) => whileHeld(reporterid, (tx) => beginAttempts(tx, ids)),
    async end(reporterid, ends, target, memories, shown = [], places = new Map()) {
      const done = await doneWhileHeld(reporterid, async (tx) => {
        await endAttempts(tx, reporterid, ends);
        for (const [key, value] of memories) await writeMemory(tx, reporterid, key, value);
        for (const [place, id] of places) await writeMemory(tx, reporterid, hashContext(`place ${place}`), String(id));
        await noteReportedBuilds(tx, reporterid, shown);
        await noteTarget(tx, reporterid, target);
      });
      if (done === "done") await changed(reporterid);
      return done;
    },
    readBuilds: (buildids) => readReportedBuilds(database, buildids),
    readBuildsets: (ids) => readReportedBuildsets(database, ids),
    readRequests: (ids) => readRequestsBehind(database, ids),
    findNewWaits: (times) => findNewWaits(context, times),
    noteLongWaits: (reporterid, found, reasons) => noteLongWaits(context, reporterid, found, reasons),
    readWorker: (workerid, facts) => readReportedWorker(database, workerid, facts),
    readDetails: (buildid) => readBuildDetails(database, buildid),
    readChanges: (buildid) => readChanges(database, buildid),
    readLogTail: (logid, lines) => readLogTail(database, logid, lines),
    async retry(reporterid, withDead, trail) {
      const owed = await database.transaction(async (tx) => {
        const left = await retryReporter(tx, reporterid, withDead);
        await trail(tx);
        return left;
      });
      await changed(reporterid);
      return owed;
    },
    async retryReport(id, trail) {
      const reporterid = await database.transaction(async (tx) => {
        const found = await reviveReport(tx, id);
        if (found !== undefined) await trail(tx);
        return found;
      });
      // Wakes the master that sends for the reporter.
      if (reporterid !== undefined) await changed(reporterid);
      return reporterid !== undefined;
    },
  };
}
