import type { ReportedEvent } from "../reported-event.ts";

/** What an event that is about no build is about: reports of the same thing arrive in order. */
export function contextOfOther({ buildset, request, worker, master, event }: ReportedEvent): string {
  if (buildset) return `buildset ${buildset.buildsetid}`;
  if (request) return `waiting ${request.builderid}`;
  if (worker) return `worker ${worker.workerid}`;
  return master ? "cluster" : event;
}
