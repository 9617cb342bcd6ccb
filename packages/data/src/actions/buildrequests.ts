import { errors } from "@multimaster/core";
import type { Action } from "../define-resource.ts";
import { awaitOutcome, readWait } from "./await-outcome.ts";
import { nameResult } from "./builds.ts";
import { readReason } from "./read-reason.ts";

interface RequestNow {
  readonly buildrequestid: number;
  readonly complete: boolean;
  readonly results: number | null;
}

/** What people may do to a build request; any master performs it, wherever the request is claimed. */
export const buildRequestActions: Record<"cancel" | "set_priority", Action<RequestNow>> = {
  async cancel({ updates, reload }, { buildrequestid }, params) {
    readWait(params["wait"]);
    const answer = await updates.buildrequests.cancel(buildrequestid, readReason(params));
    if (answer === "complete") throw isOver(await reload());
    return awaitOutcome(params, async () => {
      const { complete, results } = await reload();
      return { done: complete, answer: { complete, results } };
    });
  },
  async set_priority({ updates }, request, { priority }) {
    if (typeof priority !== "number" || !Number.isInteger(priority) || Math.abs(priority) > 2 ** 31 - 1) {
      throw errors.requestInvalid("'priority' must be given as an integer");
    }
    if (request.complete) throw isOver(request);
    await updates.buildrequests.setPriority(request.buildrequestid, priority);
    return null;
  },
};

function isOver({ buildrequestid, results }: RequestNow) {
  return errors.alreadyOver(`The build request ${buildrequestid}`, nameResult(results));
}
