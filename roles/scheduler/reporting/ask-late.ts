import type { Logger } from "@multimaster/core";
import type { LateAnswer, ReportUpdates } from "@multimaster/data";
import type { Singleton } from "../claimed-host.ts";
import type { ConfiguredReporter } from "./configured-reporter.ts";
import { askReporter } from "./hand-out.ts";
import { kindsOf } from "./kinds-of.ts";
import { readEvents } from "./read-events.ts";
import { takeTurns } from "./take-turns.ts";

/** Events of one transaction. */
const atOnce = 200;

export interface LateOptions {
  readonly singleton: Singleton;
  readonly updates: ReportUpdates;
  readonly log: Logger;
  readonly reporter: ConfiguredReporter;
}

/** Asks a reporter about what a master handed out whose config does not have it, before anything later is sent. */
export async function askLate({ singleton, updates, log, reporter }: LateOptions): Promise<"done" | "lost"> {
  for (;;) {
    const rows = await updates.unasked(singleton.id, kindsOf(reporter), atOnce);
    if (rows.length === 0) return "done";
    const events = await readEvents(updates, rows);
    const answers = new Map<number, LateAnswer>();
    const takeTurn = takeTurns();
    for (const row of rows) {
      const event = events.get(row);
      answers.set(row.id, event ? askReporter(log, reporter, event) : null);
      await takeTurn();
    }
    if ((await updates.answer(singleton.id, answers)) === "lost") return "lost";
    if (singleton.signal.aborted) return "done";
  }
}
