import type { ReportKind } from "@multimaster/core";
import type { z } from "zod";
import { type ReporterOptions, waitingAfterOf } from "./reporter-options.ts";

/** Requests that wait are searched for every few seconds. */
const shortestWaitS = 10;

/** What of a reporter's choice cannot be: shown with the other errors of the config, also when a master starts. */
export function refuseChoice(
  { events, steps, modes, waitingAfter }: ReporterOptions,
  {
    type,
    events: usual,
    reports,
  }: { type: string; events: readonly ReportKind[]; reports?: readonly ReportKind[] | undefined },
  ctx: z.RefinementCtx,
): void {
  const refuse = (path: (string | number)[], message: string) => ctx.addIssue({ code: "custom", path, message });
  for (const [i, event] of (events ?? []).entries()) {
    if (reports && !reports.includes(event))
      refuse(["events", i], `must be ${reports.join(" or ")}: ${type} reports nothing else`);
    if (events?.indexOf(event) !== i) refuse(["events", i], `must not name "${event}" twice`);
  }
  const wanted = events ?? usual;
  const hasSteps = wanted.includes("step-started") || wanted.includes("step-ended");
  if (hasSteps && !steps)
    refuse(
      ["steps"],
      'must have the names of the steps that are reported, such as ["deploy*"], for the events "step-started" and "step-ended"',
    );
  if (!hasSteps && steps) refuse(["steps"], 'belongs beside "step-started" or "step-ended" in events');
  if (waitingAfter !== undefined && !wanted.includes("request-waiting"))
    refuse(["waitingAfter"], 'belongs beside "request-waiting" in events');
  if (waitingAfter !== undefined && waitingAfterOf({ waitingAfter }) < shortestWaitS)
    refuse(["waitingAfter"], `must be at least ${shortestWaitS} s`);
  if (modes.includes("all") && modes.length > 1)
    refuse(["modes"], 'must not have "all" beside other modes: it has all of them');
}
