import type { BuildDetails, ReportUpdates } from "@multimaster/data";
import type { Report, ReportedEvent } from "@multimaster/plugins";

const nothing: BuildDetails = { steps: [], changes: [], failingTests: [] };

/** An event with what must be read of it, once and only if a reporter asks. */
export function openReport(
  event: ReportedEvent,
  updates: Pick<ReportUpdates, "readDetails" | "readChanges" | "readLogTail">,
  cluster: { readonly url: string },
): Report {
  const { build, step } = event;
  let details: Promise<BuildDetails> | undefined;
  return {
    ...event,
    url: `${cluster.url}${pathOf(event)}`,
    // A step is reported while its build runs: what the build has become says nothing about it.
    details: () => (details ??= build && !step ? updates.readDetails(build.buildid) : Promise.resolve(nothing)),
    changes: () => (build ? updates.readChanges(build.buildid) : Promise.resolve([])),
    logTail: (logid, lines) => updates.readLogTail(logid, lines),
  };
}

/** The page that shows most of it. */
function pathOf({ build, step, buildset, request, worker, master }: ReportedEvent): string {
  const shown = build ?? buildset?.builds[0];
  if (shown) return `#/builders/${shown.builderid}/builds/${shown.number}${step ? `/steps/${step.number}` : ""}`;
  const asked = request ?? buildset?.builders[0];
  if (asked) return `#/buildrequests/${asked.buildrequestid}`;
  if (worker) return `#/workers/${worker.workerid}`;
  return master ? "#/cluster" : "";
}
