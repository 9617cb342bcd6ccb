import { setImmediate } from "node:timers/promises";
import { type Clock, callContained, describeCause, type Logger, Results } from "@multimaster/core";
import type { NewReport, OwedEvent, ReportUpdates } from "@multimaster/data";
import { type ReportedEvent, type Running, startPolling } from "@multimaster/plugins";
import { wantsEvent } from "@multimaster/plugins/reporters/wants-event";
import { passResult, type Singleton } from "../claimed-host.ts";
import type { ConfiguredReporter } from "./configured-reporter.ts";
import { kindsOf } from "./kinds-of.ts";
import { describeEvent, readEvents } from "./read-events.ts";

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
  return startPolling(
    { name: "reports", clock, log },
    {
      pollMs,
      async poll(signal) {
        while (!signal.aborted) {
          const rows = await updates.owedEvents(atOnce);
          if (rows.length === 0) return undefined;
          const events = await readEvents(updates, rows);
          const reports = rows.flatMap((row) => {
            const event = events.get(row);
            return event ? findReports(options, row, event) : [];
          });
          const ids = rows.map(({ id }) => id);
          if (passResult(await updates.handOut(singleton.id, ids, reports), lost) === "lost") return undefined;
          // SQLite answers at once: other work gets its turn here.
          await setImmediate();
        }
        return undefined;
      },
    },
  );
}

function findReports(options: HandOutOptions, row: OwedEvent, event: ReportedEvent): NewReport[] {
  return options.reporters.flatMap((reporter) => {
    if (!kindsOf(reporter).includes(event.event) || !isWanted(options.log, reporter, event)) return [];
    const context = findContext(reporter, event);
    if (context === null) return [];
    return [
      { reporterid: reporter.id, event: row, context, about: describeEvent(event), final: isFinal(event) },
    ] satisfies NewReport[];
  });
}

/** A filter that fails is a reason to report: nothing is lost by it. */
function isWanted(log: Logger, { name, options }: ConfiguredReporter, event: ReportedEvent): boolean {
  if (!wantsEvent(event, options)) return false;
  const { filter } = options;
  if (!filter) return true;
  try {
    const wanted: unknown = callContained(() => filter(event));
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
    return callContained(() => plugin.contextOf(event, options));
  } catch {
    return `failed: ${describeEvent(event)}`;
  }
}

function isFinal({ event, build }: ReportedEvent): boolean {
  if (build) return event === "build-ended" && build.results !== Results.RETRY;
  return true;
}
