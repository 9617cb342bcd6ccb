import { Results } from "@multimaster/core";
import type { BuildsEnd } from "./end-builds.ts";

/** How a build ends that was asked to stop, and whose engine is gone before it had: no other one runs its clean-up. */
export function endWithoutCleanUp(gone: string, reason: string | null | undefined): BuildsEnd {
  return {
    results: Results.CANCELLED,
    state: `cancelled${reason ? ` (${reason})` : ""}; ${gone} first: what was left of its clean-up did not run`,
    stepState: `${gone} while this step ran`,
  };
}

/** SQL: why this build was asked to stop. It binds the result RETRY: a build that is only to run elsewhere has no such reason. */
export const stopReasonOf = (buildid: string, buildrequestid: string) =>
  `coalesce((select s.reason from mm_stop_requests s where s.buildid = ${buildid} and s.results <> ?),
    (select c.reason from mm_cancellations c where c.buildrequestid = ${buildrequestid}))`;
