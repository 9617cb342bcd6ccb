import { type Claimable, claimables } from "./claim-tables.ts";

/** What transitions changed, to be published after the commit of their transaction. All lists are of ids. */
export interface Outcomes {
  readonly finishedLogs: number[];
  readonly finishedSteps: number[];
  readonly finishedBuilds: number[];
  /** Builds that go on, with something about them changed. */
  readonly changedBuilds: number[];
  /** Build requests that were claimed only to be ended. */
  readonly claimedRequests: number[];
  readonly completedRequests: number[];
  /** Build requests that ended before any build of theirs ran; they are among the completed ones. */
  readonly cancelledRequests: number[];
  readonly completedBuildsets: number[];
  /** What no master has now: any may claim it. */
  readonly released: Readonly<Record<Claimable, number[]>>;
  /** Builders that a master does not have any more. */
  readonly stoppedBuilders: { readonly builderid: number; readonly masterid: number }[];
  /** Workers that are away for too long, with what the event says beside them. */
  readonly missingWorkers: { readonly workerid: number; readonly lastConnection: string; readonly notify: string[] }[];
  /** Workers that were quarantined, suspected or freed. */
  readonly changedWorkers: number[];
  /** What was decided against workers, for the log: "is quarantined: …". */
  readonly judgedWorkers: { readonly workerid: number; readonly sentence: string }[];
  /** Masters that were evicted or have left. */
  readonly goneMasters: number[];
}

export function noOutcomes(): Outcomes {
  return {
    finishedLogs: [],
    finishedSteps: [],
    finishedBuilds: [],
    changedBuilds: [],
    claimedRequests: [],
    completedRequests: [],
    cancelledRequests: [],
    completedBuildsets: [],
    released: Object.fromEntries(claimables.map((kind) => [kind, []])) as unknown as Record<Claimable, number[]>,
    stoppedBuilders: [],
    missingWorkers: [],
    changedWorkers: [],
    judgedWorkers: [],
    goneMasters: [],
  };
}
