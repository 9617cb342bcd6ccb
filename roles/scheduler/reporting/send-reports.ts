import { append, Backoff, type Clock, describeCause, findGreatest, type Logger, waitAtMost } from "@multimaster/core";
import type { Attempt, DueReport, ReportEnd, ReportUpdates } from "@multimaster/data";
import {
  type Report,
  type ReportedEvent,
  ReportFailure,
  type Running,
  type Sender,
  startPolling,
} from "@multimaster/plugins";
import { describeProblem, secretsOf } from "@multimaster/plugins/reporters/messages/hide-secrets";
import { passResult, type Singleton } from "../claimed-host.ts";
import { askLate } from "./ask-late.ts";
import type { ConfiguredReporter } from "./configured-reporter.ts";
import { kindsOf } from "./kinds-of.ts";
import { limitWait } from "./limit-wait.ts";
import { markOptions } from "./mark-options.ts";
import { openReport } from "./open-report.ts";
import { PlaceOrder } from "./place-order.ts";
import { readEvents } from "./read-events.ts";
import type { ReportGauges } from "./report-gauges.ts";

export interface SendingOptions {
  readonly singleton: Singleton;
  readonly lost: () => void;
  readonly updates: ReportUpdates;
  readonly clock: Clock;
  readonly log: Logger;
  readonly reporter: ConfiguredReporter;
  readonly gauges: ReportGauges;
  readonly cluster: { readonly name: string; readonly url: string };
}

const pollMs = 5000;
/** So long those that are slower than others are waited for: what ends together costs one transaction. */
const patienceMs = 500;
/** While slow ones are under way, others that have become due begin after this time. */
const lookMs = 1000;
/** Waits after failures of the target, and of one report. */
const targetWait = { initial: 1000, max: 120_000 };
const reportWait = { firstMs: 2000, maxMs: 600_000 };
const longestRetryAfterMs = 3_600_000;
/** How often it is found out which builds ended without a report. */
const checkMs = 300_000;

/** Sends what one reporter owes: each context in order, contexts side by side, and nothing while the target is away. */
export function sendReports(options: SendingOptions): Running {
  const sending = new Sending(options);
  const running = startPolling(
    { name: options.reporter.name, clock: options.clock, log: options.log },
    { pollMs, poll: (signal) => sending.poll(signal) },
  );
  return {
    wake: () => running.wake?.(),
    async stop() {
      await running.stop();
      await sending.close();
    },
    // That a target is away is shown with the reporter: it is no trouble of this master.
    failure: () => running.failure?.(),
  };
}

/** What came of one attempt. */
interface Outcome {
  readonly end: ReportEnd;
  /** The target takes nothing: why, and when it is asked again. */
  readonly away?: { readonly problem: string; readonly pauseMs: number };
  readonly memory?: string | undefined;
  /** What the build is shown as, where users may ask to run it again. */
  readonly targets?: readonly string[];
}

class Sending {
  #options: SendingOptions;
  #backoff = new Backoff(targetWait);
  #sender: Promise<Sender> | undefined;
  #isPrepared = false;
  readonly #places: PlaceOrder;
  /** When it was last found out what ended unnoticed, by the clock. */
  #checkedAt: number | undefined;
  /** Attempts by report, and those that have ended and are not written down yet. */
  #underWay = new Map<number, Promise<void>>();
  #ended: { row: DueReport; buildid?: number | undefined; outcome: Outcome }[] = [];
  readonly #secrets: readonly string[];
  /** Since when the target takes nothing. */
  failure: { since: number; cause: string } | undefined;

  constructor(options: SendingOptions) {
    this.#options = options;
    this.#places = new PlaceOrder((place) => options.updates.latestAt(options.singleton.id, place));
    this.#secrets = secretsOf(options.reporter.options);
  }

  async close(): Promise<void> {
    const end = async () => {
      const sender = await this.#sender?.catch(() => undefined);
      await sender?.close?.();
    };
    try {
      await limitWait(end(), this.#options.clock, this.#options.singleton.signal);
    } finally {
      this.#options.gauges.forget(this.#options.reporter.name);
    }
  }

  /** Returns when to poll again, in milliseconds. Whatever ends it, no attempt is under way when the reporter stops. */
  async poll(signal: AbortSignal): Promise<number | undefined> {
    try {
      return await this.#send(signal);
    } finally {
      if (signal.aborted || this.#options.singleton.signal.aborted) {
        await Promise.all(this.#underWay.values());
        await this.#settle();
      }
    }
  }

  async #send(signal: AbortSignal): Promise<number | undefined> {
    const { updates, singleton, reporter, lost } = this.#options;
    if (!this.#isPrepared && !(await this.#prepare())) return undefined;
    while (!signal.aborted) {
      if (passResult(await askLate(this.#options), lost) === "lost") return undefined;
      if (!(await this.#oweMissedEnds())) return undefined;
      const pause = await updates.pause(singleton.id);
      const isIdle = this.#underWay.size === 0 && this.#ended.length === 0;
      if (pause > 0 && isIdle) return pause;
      // While the target is away, one report finds out whether it is back.
      const free = (this.failure ? 1 : reporter.options.parallel) - this.#underWay.size;
      const due = free > 0 && pause <= 0 ? await this.#due(free) : [];
      if (due.length > 0 && !(await this.#begin(due))) return undefined;
      if (this.#underWay.size === 0 && this.#ended.length === 0) {
        if (due.length > 0) continue;
        return updates.nextIn(singleton.id);
      }
      await this.#waitForEnds();
      if (!(await this.#settle())) return undefined;
    }
    return undefined;
  }

  /** What may begin beside what is under way: a report is sent once, also while its end is not written down. */
  async #due(free: number): Promise<DueReport[]> {
    const { updates, singleton } = this.#options;
    const due = await updates.due(singleton.id, free + this.#underWay.size + this.#ended.length);
    const ended = new Set(this.#ended.map(({ row }) => row.id));
    return due.filter(({ id }) => !this.#underWay.has(id) && !ended.has(id)).slice(0, free);
  }

  /** Those that end soon after one another are settled in one transaction; a slow one does not hold up the others. */
  async #waitForEnds(): Promise<void> {
    const { clock } = this.#options;
    if (this.#underWay.size === 0) return;
    const all = [...this.#underWay.values()];
    await waitAtMost(clock, patienceMs, Promise.all(all));
    // Nothing to settle yet, but what has become due meanwhile may begin in the lanes that are free.
    if (this.#ended.length === 0) await waitAtMost(clock, lookMs, Promise.race(all));
  }

  /** Goes on where the master before this one was; false: the claim is lost. */
  async #prepare(): Promise<boolean> {
    const { updates, singleton, lost, gauges, reporter } = this.#options;
    const mark = markOptions(reporter.options);
    if (passResult(await updates.order(singleton.id, mark), lost) === "lost") return false;
    const trouble = await updates.trouble(singleton.id);
    this.failure = trouble && { since: trouble.since * 1000, cause: trouble.problem };
    gauges.showProblem(reporter.name, trouble?.problem ?? null);
    this.#isPrepared = true;
    return true;
  }

  /** What the target shows as running ended while no config had the reporter, or that of another master had not. False: the claim is lost. */
  async #oweMissedEnds(): Promise<boolean> {
    const { updates, singleton, lost, clock, reporter } = this.#options;
    if (reporter.plugin.isState !== true || !kindsOf(reporter).includes("build-ended")) return true;
    if (this.#checkedAt !== undefined && clock.now() - this.#checkedAt < checkMs) return true;
    if (passResult(await updates.oweMissedEnds(singleton.id), lost) === "lost") return false;
    this.#checkedAt = clock.now();
    return true;
  }

  /** Begins attempts, each in a lane of its own. False: the claim is lost. */
  async #begin(due: readonly DueReport[]): Promise<boolean> {
    const { updates, singleton, lost, reporter } = this.#options;
    const isState = reporter.plugin.isState === true;
    const isOvertaken = ({ final, hasLater, hasLaterSent }: DueReport) =>
      isState && (hasLaterSent || (hasLater && !final));
    const open = due.filter((report) => !isOvertaken(report));
    for (const row of due) if (isOvertaken(row)) this.#ended.push({ row, outcome: { end: { kind: "overtaken" } } });
    if (open.length === 0) return true;
    const attempts = await updates.begin(
      singleton.id,
      open.map(({ id }) => id),
    );
    if (passResult(attempts, lost) === "lost" || attempts === "lost") return false;
    const rows = open.map((report) => ({ ...report, at: report.happenedAt }));
    const events = await readEvents(updates, rows);
    for (const row of rows) {
      const attempt = attempts.get(row.id);
      if (!attempt) continue;
      const event = events.get(row);
      const lane = this.#try(row, event, attempt).then((outcome) => {
        this.#underWay.delete(row.id);
        this.#ended.push({ row, buildid: event?.build?.buildid, outcome });
      });
      this.#underWay.set(row.id, lane);
    }
    return true;
  }

  /** Writes down what came of the attempts that have ended. False: the claim is lost. */
  async #settle(): Promise<boolean> {
    const { updates, singleton, lost } = this.#options;
    const ended = this.#ended.splice(0);
    if (ended.length === 0) return true;
    const ends = new Map(ended.map(({ row, outcome }): [number, ReportEnd] => [row.id, outcome.end]));
    const memories = new Map<string, string>();
    const shown: { buildid: number; target: string }[] = [];
    for (const { row, buildid, outcome } of ended) {
      if (outcome.memory !== undefined) memories.set(row.context, outcome.memory);
      if (buildid !== undefined) append(shown, outcome.targets?.map((offered) => ({ buildid, target: offered })) ?? []);
    }
    const places = this.#places.latestOf(new Set(ends.keys()));
    const target = this.#judge(ended.map(({ outcome }) => outcome));
    try {
      if (passResult(await updates.end(singleton.id, ends, target, memories, shown, places), lost) === "lost")
        return false;
      this.#places.written(places);
    } catch (error) {
      // The database is away: what was sent is written down later, not sent again.
      this.#ended = [...ended, ...this.#ended];
      throw error;
    }
    this.#count(ends);
    return true;
  }

  async #try(
    row: DueReport,
    event: ReportedEvent | undefined,
    { unsure, attempts, memory: remembered }: Attempt,
  ): Promise<Outcome> {
    const { updates, reporter, cluster, singleton, clock } = this.#options;
    if (!event) return { end: { kind: "dead", problem: `${row.about} was deleted before it was reported` } };
    let memory: string | undefined;
    let skipped: string | undefined;
    const targets: string[] = [];
    try {
      const report: Report = openReport(event, updates, cluster);
      const send = async () => {
        const sender = await this.#open();
        await sender.send(report, {
          id: `${cluster.name}-${singleton.id}-${row.outboxid}`,
          unsure,
          memory: remembered,
          remember: (value) => {
            memory = value;
          },
          inOrder: (place, deliver) => this.#places.deliver(place, row.id, deliver),
          skip: (why) => {
            skipped = describeProblem(why, this.#secrets);
          },
          offerRerun: (target) => void targets.push(target),
        });
      };
      await limitWait(send(), clock, singleton.signal);
      const end: ReportEnd = skipped === undefined ? { kind: "sent" } : { kind: "skipped", why: skipped };
      return { end, memory, targets };
    } catch (error) {
      return { ...this.#judgeFailure(row, error, attempts, reporter), memory };
    }
  }

  #open(): Promise<Sender> {
    const { reporter, clock, log, cluster, singleton } = this.#options;
    this.#sender ??= Promise.resolve(
      reporter.plugin.open({ name: reporter.name, clock, log, signal: singleton.signal, cluster }, reporter.options),
    );
    this.#sender.catch(() => {
      this.#sender = undefined;
    });
    return this.#sender;
  }

  #judgeFailure(row: DueReport, error: unknown, attempts: number, { options }: ConfiguredReporter): Outcome {
    const { clock } = this.#options;
    const problem = describeProblem(
      error instanceof ReportFailure ? error.message : describeCause(error),
      this.#secrets,
    );
    // The master drains, or lost the claim: not a failure of anything.
    if (this.#options.singleton.signal.aborted)
      return { end: { kind: "failed", problem, unsure: true, retryS: 0, counts: false } };
    const { of, unsure = false, retryAfterMs } = error instanceof ReportFailure ? error.failure : { of: "report" };
    const isOld = clock.now() - row.happenedAt * 1000 > options.giveUpAfter;
    const away =
      of === "target" ? { away: { problem, pauseMs: this.#pauseAfter(retryAfterMs) } } : ({} as { away?: never });
    if (of === "refused" || isOld || (of === "report" && attempts >= options.attempts))
      return { end: { kind: "dead", problem }, ...away };
    const wait = Math.min(reportWait.firstMs * 2 ** Math.max(0, attempts - 1), reportWait.maxMs);
    // Then all that wait for it are due: first those that have failed least, so that one that blocks it again is among the last.
    if (of === "suspended")
      return {
        end: { kind: "failed", problem, unsure, retryS: (retryAfterMs ?? 0) / 1000 + attempts, counts: false },
      };
    const retryS =
      of === "target" ? 0 : Math.min(retryAfterMs ?? wait * (0.5 + Math.random() / 2), longestRetryAfterMs) / 1000;
    return { end: { kind: "failed", problem, unsure, retryS, counts: of === "report" }, ...away };
  }

  #pauseAfter(retryAfterMs: number | undefined): number {
    const own = this.#backoff.next();
    return retryAfterMs === undefined ? own : Math.min(Math.max(retryAfterMs, own), longestRetryAfterMs);
  }

  #judge(outcomes: readonly Outcome[]) {
    const { clock, gauges, reporter, log } = this.#options;
    const sent = outcomes.filter(({ end }) => end.kind === "sent").length;
    const away = outcomes.flatMap((outcome) => outcome.away ?? []);
    const last = away.at(-1);
    if (last) {
      if (!this.failure)
        log.warn({ reporter: reporter.name }, `the reporter "${reporter.name}" cannot send: ${last.problem}`);
      this.failure = { since: this.failure?.since ?? clock.now(), cause: last.problem };
    } else if (sent > 0) {
      if (this.failure) log.info({ reporter: reporter.name }, `the reporter "${reporter.name}" sends again`);
      this.failure = undefined;
      this.#backoff.reset();
    }
    const problem = this.failure?.cause ?? null;
    gauges.showProblem(reporter.name, problem);
    const pauseMs = findGreatest(away, (one) => one.pauseMs) ?? 0;
    return { problem, pauseS: last ? pauseMs / 1000 : null, sent };
  }

  #count(ends: ReadonlyMap<number, ReportEnd>): void {
    const { gauges, reporter, log } = this.#options;
    for (const [id, end] of ends) {
      gauges.count(reporter.name, end.kind);
      if (end.kind === "failed" && end.counts)
        log.warn(
          { reporter: reporter.name, reportid: id },
          `the reporter "${reporter.name}" could not send report ${id}, and tries again: ${end.problem}`,
        );
      if (end.kind === "dead")
        log.error(
          { reporter: reporter.name, reportid: id },
          `the reporter "${reporter.name}" gives report ${id} up: ${end.problem}`,
        );
    }
  }
}
