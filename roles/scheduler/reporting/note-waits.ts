import type { Clock, Logger } from "@multimaster/core";
import type { ReportUpdates } from "@multimaster/data";
import { type Running, startPolling } from "@multimaster/plugins";
import { waitingAfterOf } from "@multimaster/plugins/reporters/reporter-options";
import { passResult, type Singleton } from "../claimed-host.ts";
import type { ConfiguredReporter } from "./configured-reporter.ts";
import { kindsOf } from "./kinds-of.ts";

export interface WaitOptions {
  readonly singleton: Singleton;
  readonly lost: () => void;
  readonly updates: ReportUpdates;
  readonly clock: Clock;
  readonly log: Logger;
  readonly reporters: readonly ConfiguredReporter[];
}

const pollMs = 5000;

/** Searches for build requests that wait for too long, if a reporter wants to know of them. */
export function noteWaits({ singleton, lost, updates, clock, log, reporters }: WaitOptions): Running | undefined {
  const wanting = reporters.filter((one) => kindsOf(one).includes("request-waiting"));
  const times = [...new Set(wanting.map(({ options }) => waitingAfterOf(options)))];
  if (times.length === 0) return undefined;
  return startPolling(
    { name: "requests that wait", clock, log },
    {
      pollMs,
      async poll() {
        passResult(await updates.noteLongWaits(singleton.id, times), lost);
        return undefined;
      },
    },
  );
}
