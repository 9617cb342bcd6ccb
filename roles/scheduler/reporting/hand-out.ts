import { setImmediate } from "node:timers/promises";
import { append, type Clock, describeCause, type Logger, Results } from "@multimaster/core";
import type { LateAnswer, NewReport, OwedEvent, ReportUpdates } from "@multimaster/data";
import { type ReportedEvent, type Running, startPolling } from "@multimaster/plugins";
import { callGuarded, suspensionOf } from "@multimaster/plugins/reporters/guard-calls";
import { wantsEvent } from "@multimaster/plugins/reporters/wants-event";
import { passResult, type Singleton } from "../claimed-host.ts";
import type { ConfiguredReporter } from "./configured-reporter.ts";
import { kindsOf } from "./kinds-of.ts";
import { describeEvent, readEvents } from "./read-events.ts";
import { takeTurns } from "./take-turns.ts";

export interface HandOutOptions {
  readonly singleton: Singleton;
  readonly lost: () => void;
  readonly updates: ReportUpdates;
  readonly clock: Clock;
  readonly log: Logger;
  readonly reporters: readonly (ConfiguredReporter & { readonly id: number })[];
}

/** Events of one transaction. */
const atOnce = 200;
const pollMs = 1000;

/** Finds out who is to report what: each event of the outbox once, in the order in which things happened. */
export function handEventsOut(options: HandOutOptions): Running {
  const { singleton, lost, updates, clock, log } = options;
  const asked = new Map(options.reporters.map((reporter) => [reporter.id, kindsOf(reporter)]));
  const noteSuspended = suspensions(options);
  return startPolling(
    { name: "reports", clock, log },
    {
      pollMs,
      async poll(signal) {
        if ((await noteSuspended()) === "lost") return undefined;
        while (!signal.aborted) {
          const rows = await updates.owedEvents(atOnce);
          if (rows.length === 0) return undefined;
          const events = await readEvents(updates, rows);
          const reports: NewReport[] = [];
          const takeTurn = takeTurns();
          for (const row of rows) {
            const event = events.get(row);
            if (event) append(reports, await findReports(options, row, event, takeTurn));
          }
          const handed = rows.map((row) => {
            const event = events.get(row);
            return { ...row, about: event ? describeEvent(event) : `${row.kind} ${row.objectid}` };
          });
          const done = await updates.handOut(singleton.id, handed, reports, asked);
          if (passResult(done, lost) === "lost") return undefined;
          if ((await noteSuspended()) === "lost") return undefined;
          // SQLite answers without waiting: other work gets its turn here.
          await setImmediate();
        }
        return undefined;
      },
    },
  );
}

async function findReports(
  { reporters, log }: HandOutOptions,
  row: OwedEvent,
  event: ReportedEvent,
  takeTurn: () => Promise<void>,
): Promise<NewReport[]> {
  const found: NewReport[] = [];
  for (const reporter of reporters) {
    const answer = askReporter(log, reporter, event);
    if (answer) found.push({ reporterid: reporter.id, event: row, about: describeEvent(event), ...answer });
    await takeTurn();
  }
  return found;
}

/** Saves which filters are not called for a while, as soon as that changes. */
function suspensions({ singleton, lost, updates, log, reporters }: HandOutOptions): () => Promise<"done" | "lost"> {
  const noted = new Map<number, string>();
  return async () => {
    for (const { id, name, options } of reporters) {
      const why = options.filter && suspensionOf(options.filter);
      if (why === noted.get(id)) continue;
      const sentence =
        why === undefined ? null : `its filter is suspended: ${why}; what it chooses from is reported as it is`;
      if (passResult(await updates.suspend(singleton.id, id, sentence), lost) === "lost") return "lost";
      if (why === undefined) noted.delete(id);
      else noted.set(id, why);
      if (sentence !== null) log.error({ reporter: name }, `the reporter "${name}": ${sentence}`);
    }
    return "done";
  };
}

/** Whether a reporter reports an event, and how. */
export function askReporter(log: Logger, reporter: ConfiguredReporter, event: ReportedEvent): LateAnswer {
  if (!kindsOf(reporter).includes(event.event) || !wantsEvent(event, { ...reporter.options, modes: ["all"] }))
    return null;
  if (isMuted(reporter, event)) return null;
  const follows = !isNews(reporter, event) || !isWanted(log, reporter, event);
  // A message that is not wanted is none; a state that a target shows must not stay there when it is over.
  if (follows && reporter.plugin.isState !== true) return null;
  const context = findContext(reporter, event);
  if (context === null) {
    const why = event.event === "build-ended" ? reporter.plugin.explainNothing?.(event, reporter.options) : undefined;
    if (why !== undefined)
      log.warn({ reporter: reporter.name }, `the reporter "${reporter.name}" reports nothing: ${why}`);
    return null;
  }
  return { context, final: isFinal(event), follows };
}

/** A message about a failure that is known asks for attention again; a state of a commit is shown whatever is known of it. */
function isMuted({ plugin, options }: ConfiguredReporter, { build, event }: ReportedEvent): boolean {
  const { muted = plugin.wantsMuted === true ? "report" : "skip" } = options;
  if (plugin.isState === true || muted === "report" || event !== "build-ended" || !build?.mute) return false;
  return build.results === Results.FAILURE || build.results === Results.EXCEPTION;
}

/** Whether the modes choose an event. A state that is chosen by its end is not begun: whether it is wanted is not known yet. */
function isNews({ plugin, options }: ConfiguredReporter, event: ReportedEvent): boolean {
  const begins = event.build !== undefined && event.build.results === null;
  if (plugin.isState === true && begins) return options.modes.includes("all");
  return wantsEvent(event, options);
}

/** A filter that fails is a reason to report: nothing is lost by it. */
function isWanted(log: Logger, { name, options }: ConfiguredReporter, event: ReportedEvent): boolean {
  const { filter } = options;
  if (!filter || suspensionOf(filter) !== undefined) return true;
  try {
    const wanted: unknown = callGuarded(filter, () => filter(event));
    if (typeof wanted === "boolean") return wanted;
    throw new Error(`it returned ${String(wanted)} instead of true or false`);
  } catch (error) {
    log.error(
      { reporter: name, err: error },
      `the filter of the reporter "${name}" failed: ${describeCause(error)}; ${describeEvent(event)} is reported`,
    );
    return true;
  }
}

/** Where a function of the options fails, the attempt to send fails in the same way, and is seen. */
function findContext({ plugin, options }: ConfiguredReporter, event: ReportedEvent): string | null {
  try {
    return callGuarded(options, () => plugin.contextOf(event, options));
  } catch {
    return `failed: ${describeEvent(event)}`;
  }
}

function isFinal({ event, build }: ReportedEvent): boolean {
  if (build) return event === "build-ended" && build.results !== Results.RETRY;
  return true;
}
