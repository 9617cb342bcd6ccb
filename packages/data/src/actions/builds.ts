import { errors, type Result, resultName } from "@multimaster/core";
import type { Action } from "../define-resource.ts";
import { awaitOutcome, readWait } from "./await-outcome.ts";
import { readReason } from "./read-reason.ts";

interface BuildNow {
  readonly buildid: number;
  readonly complete: boolean;
  readonly results: number | null;
  readonly state_string: string;
}

/** What people may do to a build; any master performs it, wherever the build runs. */
export const buildActions: Record<"stop" | "rebuild", Action<BuildNow>> = {
  async stop({ updates, reload }, { buildid }, params) {
    readWait(params["wait"]);
    if ((await updates.builds.requestStop(buildid, readReason(params))) !== "stopping")
      throw errors.alreadyOver(`The build ${buildid}`, nameResult((await reload()).results));
    return awaitOutcome(params, async () => {
      const { complete, results, state_string } = await reload();
      return { done: complete, answer: { complete, results, state_string } };
    });
  },
  async rebuild({ updates }, { buildid }) {
    const added = await updates.builds.rebuild(buildid);
    if (added === "unknown") throw errors.notFound(`There is no build ${buildid}.`);
    return [added.bsid, added.requests];
  },
};

/** A result code of a row in words. */
export function nameResult(results: number | null): string {
  return results === null ? "without a result" : (resultName(results as Result) ?? String(results));
}
