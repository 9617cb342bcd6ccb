import { Results } from "@multimaster/core";
import type { Build, BuildRequest, Log, Step } from "@multimaster/data";
import type { Api } from "./api.ts";
import { type LogLine, readLog } from "./follow-log.ts";
import { Pace } from "./pace.ts";

/** What happens in a build that is followed, in the order in which people read it. */
export type BuildEvent =
  | { readonly event: "waiting"; readonly request: BuildRequest }
  | { readonly event: "build"; readonly build: Build; readonly builder: string; readonly usualSeconds: number | null }
  | { readonly event: "step"; readonly step: Step }
  | { readonly event: "log"; readonly step: Step; readonly log: Log }
  | { readonly event: "lines"; readonly step: Step; readonly log: Log; readonly lines: readonly LogLine[] }
  | { readonly event: "step-finished"; readonly step: Step }
  | { readonly event: "finished"; readonly build: Build; readonly builder: string };

export interface FollowOptions {
  readonly signal: AbortSignal;
  /** Of each log only the last lines that there are when it is come to. */
  readonly lines?: number;
  /** Which logs; all when absent. */
  isWanted?(log: Log): boolean;
}

/**
 * Follows a build request to its end and returns its result: each of its builds, since one whose engine died is run again
 * by another.
 */
export async function* followRequest(
  api: Api,
  buildrequestid: number,
  options: FollowOptions,
): AsyncGenerator<BuildEvent, number> {
  const pace = new Pace(options.signal);
  const seen = new Set<number>();
  let isTold = false;
  for (;;) {
    const request = await api.one("buildrequests", `buildrequests/${buildrequestid}`);
    const { items } = await api.list("builds", `buildrequests/${buildrequestid}/builds`, { order: "buildid" });
    const build = items.find(({ buildid }) => !seen.has(buildid));
    if (build) {
      seen.add(build.buildid);
      yield* followBuild(api, build.buildid, options);
      pace.quicken();
      isTold = false;
      continue;
    }
    if (request.complete) return request.results ?? Results.EXCEPTION;
    if (!isTold) yield { event: "waiting", request };
    isTold = true;
    await pace.rest();
  }
}

/** Follows one build: its steps in order, with the lines of their logs. Gives its result. */
export async function* followBuild(
  api: Api,
  buildid: number,
  options: FollowOptions,
): AsyncGenerator<BuildEvent, number> {
  const pace = new Pace(options.signal);
  const first = await api.one("builds", `builds/${buildid}`);
  const { name: builder } = await api.one("builders", `builders/${first.builderid}`);
  yield { event: "build", build: first, builder, usualSeconds: await usualDuration(api, first) };
  const seen = new Set<number>();
  for (;;) {
    // The build first: the steps of one that is over are all there will be.
    const build = await api.one("builds", `builds/${buildid}`);
    const { items: steps } = await api.list("steps", `builds/${buildid}/steps`);
    const step = steps.find(({ stepid, started_at }) => started_at !== null && !seen.has(stepid));
    if (step) {
      seen.add(step.stepid);
      yield* followStep(api, step, options);
      pace.quicken();
      continue;
    }
    if (build.complete) {
      yield { event: "finished", build, builder };
      return build.results ?? Results.EXCEPTION;
    }
    await pace.rest();
  }
}

/** Follows one step. */
export async function* followStep(
  api: Api,
  first: Step,
  { signal, lines: last, isWanted = () => true }: FollowOptions,
): AsyncGenerator<BuildEvent> {
  const pace = new Pace(signal);
  const seen = new Set<number>();
  yield { event: "step", step: first };
  for (;;) {
    const step = await readEnd(api, first);
    const { items: logs } = await api.list("logs", `steps/${first.stepid}/logs`);
    for (const log of logs.filter((one) => !seen.has(one.logid) && isWanted(one))) {
      seen.add(log.logid);
      pace.quicken();
      yield { event: "log", step: first, log };
      // The log of a step whose engine died is never complete, but over.
      const isOver = async () =>
        (await api.one("logs", `logs/${log.logid}`)).complete || (await readEnd(api, first)).complete;
      const from = last === undefined ? 0 : Math.max(0, log.num_lines - last);
      const batches = readLog(api, log, { from, pace: new Pace(signal), isOver });
      for await (const lines of batches) yield { event: "lines", step: first, log, lines };
    }
    if (step.complete) {
      yield { event: "step-finished", step };
      return;
    }
    await pace.rest();
  }
}

/** The step as it is; one whose build is over is over, too. */
async function readEnd(api: Api, { stepid, buildid }: Step): Promise<Step> {
  const build = await api.one("builds", `builds/${buildid}`, { field: ["complete"] });
  const step = await api.one("steps", `steps/${stepid}`);
  return step.complete || !build.complete ? step : { ...step, complete: true };
}

/** Seconds that the builder's last successful build took. */
async function usualDuration(api: Api, { builderid, buildid }: Build): Promise<number | null> {
  const { items } = await api.list("builds", `builders/${builderid}/builds`, {
    complete: true,
    results: Results.SUCCESS,
    buildid__lt: buildid,
    order: "-buildid",
    limit: 1,
  });
  const [last] = items;
  return last && last.complete_at !== null ? last.complete_at - last.started_at : null;
}
