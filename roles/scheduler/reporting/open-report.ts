import type { BuildDetails, ReportUpdates } from "@multimaster/data";
import type { Report, ReportedEvent } from "@multimaster/plugins";

const nothing: BuildDetails = { steps: [], changes: [], failingTests: [] };

/** An event with what must be read of it, once and only if a reporter asks. */
export function openReport(
  event: ReportedEvent,
  updates: Pick<ReportUpdates, "readDetails" | "readChanges" | "readLogTail">,
  cluster: { readonly url: string },
): Report {
  const { build, buildset, worker } = event;
  let details: Promise<BuildDetails> | undefined;
  const shown = build ?? buildset?.builds[0];
  const path = shown
    ? `#/builders/${shown.builderid}/builds/${shown.number}`
    : worker
      ? `#/workers/${worker.workerid}`
      : "";
  return {
    ...event,
    url: `${cluster.url}${path}`,
    details: () => (details ??= build ? updates.readDetails(build.buildid) : Promise.resolve(nothing)),
    changes: () => (build ? updates.readChanges(build.buildid) : Promise.resolve([])),
    logTail: (logid, lines) => updates.readLogTail(logid, lines),
  };
}
