import { type Result, Results } from "@multimaster/core";
import type { WorkerVerdict } from "@multimaster/data";
import type { AttachedWorker } from "../workers/attached-worker.ts";

/** How a build ended, as far as it says something about its worker. */
export interface EndedBuild {
  readonly buildid: number;
  readonly results: Result;
  /** The connection to the worker ended while it ran, or the worker did not answer. */
  readonly isLost: boolean;
}

const didWhatWasAsked: ReadonlySet<Result> = new Set([Results.SUCCESS, Results.WARNINGS, Results.FAILURE]);
const brokenOff: ReadonlySet<Result> = new Set([Results.RETRY, Results.EXCEPTION]);

/**
 * What the end of a build says about its worker; undefined if nothing. A lost connection counts once, however many builds
 * it ended, and not if this master closed it. An exception counts only if the machine lacked something: others are the
 * config's.
 */
export function judgeWorker(worker: AttachedWorker, build: EndedBuild): WorkerVerdict | undefined {
  const failure = findFailure(worker, build);
  const isCleared = didWhatWasAsked.has(build.results) && (worker.failures > 0 || worker.quarantined);
  if (failure === null && !isCleared) return undefined;
  worker.failures = failure === null ? 0 : worker.failures + 1;
  const { quarantineAfter, probationAfter } = worker.rules;
  const probationS = probationAfter === null ? null : probationAfter / 1000;
  return { workerid: worker.workerid, failure, quarantineAfter, probationS };
}

function findFailure(worker: AttachedWorker, { buildid, results, isLost }: EndedBuild): WorkerVerdict["failure"] {
  const fault = worker.takeFault(buildid);
  if (!brokenOff.has(results)) return null;
  if (isLost) {
    if (worker.leaving || !worker.takeLoss()) return null;
    return { kind: "connection", cause: `the connection to worker ${worker.name} ended` };
  }
  return fault === undefined || results !== Results.EXCEPTION ? null : { kind: "machine", cause: fault };
}
