import { errors, type Result, resultName } from "@multimaster/core";
import type { Action } from "../model/define-resource.ts";
import { aboutBuild } from "./about-build.ts";
import { awaitOutcome, readWait } from "./await-outcome.ts";
import { readReason } from "./read-reason.ts";

interface BuildNow {
  readonly buildid: number;
  readonly builderid: number;
  readonly buildrequestid: number;
  readonly complete: boolean;
  readonly results: number | null;
  readonly state_string: string;
}

/** What people may do to a build; any master performs it, wherever the build runs. */
export const buildActions: Record<"stop" | "rebuild", Action<BuildNow>> = {
  stop({ connection, updates, trail, reload }, build, params) {
    const { buildid } = build;
    const wait = readWait(params);
    const reason = readReason(params);
    return {
      about: aboutBuild(connection, build),
      async perform() {
        if ((await updates.builds.requestStop(buildid, reason, trail)) !== "stopping")
          throw errors.alreadyOver(`The build ${buildid}`, nameResult((await reload()).results));
        return awaitOutcome(wait, async () => {
          const { complete, results, state_string } = await reload();
          return { done: complete, answer: { complete, results, state_string } };
        });
      },
    };
  },
  rebuild({ connection, updates, actor, trail }, build) {
    const { buildid } = build;
    return {
      about: aboutBuild(connection, build),
      async perform() {
        const added = await updates.builds.rebuild(buildid, { asker: actor, trail });
        if (added === "unknown") throw errors.notFound(`There is no build ${buildid}.`);
        return [added.bsid, added.requests];
      },
    };
  },
};

/** A result code of a row in words. */
export function nameResult(results: number | null): string {
  return results === null ? "without a result" : (resultName(results as Result) ?? String(results));
}
