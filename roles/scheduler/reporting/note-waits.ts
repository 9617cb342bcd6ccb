import type { Clock, Logger } from "@multimaster/core";
import { type Data, type Reason, type ReportUpdates, waiting } from "@multimaster/data";
import { type Running, startPolling } from "@multimaster/plugins";
import { waitingAfterOf } from "@multimaster/plugins/reporters/reporter-options";
import { passResult, type Singleton } from "../claimed-host.ts";
import type { ConfiguredReporter } from "./configured-reporter.ts";
import { kindsOf } from "./kinds-of.ts";

export interface WaitOptions {
  readonly singleton: Singleton;
  readonly lost: () => void;
  readonly updates: ReportUpdates;
  readonly data: Pick<Data, "find">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly reporters: readonly ConfiguredReporter[];
}

const pollMs = 5000;
/** Reasons that one message has. */
const mostReasons = 5;

/** Searches for build requests that wait for too long, if a reporter wants to know of them. */
export function noteWaits({ singleton, lost, updates, data, clock, log, reporters }: WaitOptions): Running | undefined {
  const wanting = reporters.filter((one) => kindsOf(one).includes("request-waiting"));
  const times = [...new Set(wanting.map(({ options }) => waitingAfterOf(options)))];
  if (times.length === 0) return undefined;
  return startPolling(
    { name: "requests that wait", clock, log },
    {
      pollMs,
      async poll() {
        const found = await updates.findNewWaits(times);
        const reasons = await readReasons(
          data,
          found.flatMap(({ waits }) => waits.map(({ buildrequestid }) => buildrequestid)),
        );
        passResult(await updates.noteLongWaits(singleton.id, found, reasons), lost);
        return undefined;
      },
    },
  );
}

/** Why these requests wait: the sentences of `master why`. */
async function readReasons(data: Pick<Data, "find">, ids: readonly number[]): Promise<ReadonlyMap<number, string>> {
  if (ids.length === 0) return new Map();
  const { rows } = await data.find(waiting, {
    filters: [{ field: "buildrequestid", operator: "in", values: [...ids] }],
    limit: ids.length,
  });
  return new Map(rows.map(({ buildrequestid, reasons }) => [buildrequestid, joinReasons(reasons)]));
}

function joinReasons(reasons: readonly Reason[]): string {
  const shown = reasons.slice(0, mostReasons).map(({ sentence }) => sentence);
  const more = reasons.length - shown.length;
  return more > 0 ? `${shown.join(" ")} There are ${more} more reasons.` : shown.join(" ");
}
