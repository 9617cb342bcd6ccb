import { Results } from "@multimaster/core";
import type { Build, BuildRequest, Log, Step } from "@multimaster/data";
import type { Api } from "./api.ts";
import { type LogLine, readLog } from "./follow-log.ts";
import { Pace } from "./pace.ts";

/** The events of a followed build, in the order in which they are shown. */
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
  /** Only the last lines of each log, counted when following it begins. */
  readonly lines?: number;
  /** Selects logs; all if absent. */
  isWanted?(log: Log): boolean;
}

/**
 * Follows a build request to its end and returns its result. It follows each of the request's builds, because a build whose
 * engine died is run again by another engine.
 */
export async function* followRequest(
  api: Api,
  buildrequestid: number,
  options: FollowOptions,
): AsyncGenerator<BuildEvent, number> {
  const pace = new Pace(options.signal);
  const seen = new Set<number>();
  let isReported = false;
  for (;;) {
    const request = await api.one("buildrequests", `buildrequests/${buildrequestid}`);
    const { items } = await api.list("builds", `buildrequests/${buildrequestid}/builds`, { order: "buildid" });
    const build = items.find(({ buildid }) => !seen.has(buildid));
    if (build) {
      seen.add(build.buildid);
      yield* followBuild(api, build.buildid, options);
      pace.quicken();
      isReported = false;
      continue;
    }
    if (request.complete) return request.results ?? Results.EXCEPTION;
    if (!isReported) yield { event: "waiting", request };
    isReported = true;
    await pace.rest();
  }
}

/** Follows one build: its steps in order, with the lines of their logs. Returns its result. */
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
    // The build is read first: once it has ended, no further steps are added.
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

/** Follows one step to its end. */
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
      // The log of a step whose engine died never becomes complete, but it has ended.
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

/** Reads a step; if its build has ended, the step has ended, too. */
async function readEnd(api: Api, { stepid, buildid }: Step): Promise<Step> {
  const build = await api.one("builds", `builds/${buildid}`, { field: ["complete"] });
  const step = await api.one("steps", `steps/${stepid}`);
  return step.complete || !build.complete ? step : { ...step, complete: true };
}

/** The duration of the builder's last successful build, in seconds. */
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
