import { errors } from "@multimaster/core";
import { z } from "zod";
import { aboutBuild } from "./about-build.ts";
import { type ActionContext, defineAction, readByAction } from "./action.ts";
import { awaitOutcome } from "./await-outcome.ts";
import { nameResult } from "./builds.ts";
import { reason, wait } from "./parameters.ts";
import { reasonOf } from "./reason-of.ts";

export interface RequestNow {
  readonly buildrequestid: number;
  readonly builderid: number;
  readonly complete: boolean;
  readonly results: number | null;
}

/** What people may do to a build request; any master performs it, wherever the request is claimed. */
export const buildRequestActions = {
  cancel: defineAction(
    z.object({ wait, reason }),
    ({ connection, updates, actor, trail, reload }, request: RequestNow, { wait, reason }) => {
      return {
        about: aboutBuild(connection, request),
        async perform() {
          const answer = await updates.buildrequests.cancel(request.buildrequestid, reasonOf(actor, reason), trail);
          if (answer === "complete") throw isOver(await reload());
          return awaitOutcome(wait, async () => {
            const { complete, results } = await reload();
            return { done: complete, answer: { complete, results } };
          });
        },
      };
    },
  ),
  /** Its build may begin, although it is of a stranger's code. */
  approve: decideAction("approve"),
  /** It is not to be built, and ends. */
  reject: decideAction("reject"),
  set_priority: defineAction(
    readByAction<{ priority: number }>(),
    ({ connection, updates, trail }, request: RequestNow, { priority }) => {
      return {
        about: aboutBuild(connection, request),
        async perform() {
          if (typeof priority !== "number" || !Number.isInteger(priority) || Math.abs(priority) > 2 ** 31 - 1) {
            throw errors.requestInvalid("'priority' must be given as an integer");
          }
          if (request.complete) throw isOver(request);
          await updates.buildrequests.setPriority(request.buildrequestid, priority, trail);
          return null;
        },
      };
    },
  ),
};

/** Approves or rejects a request that waits for that. */
function decideAction(which: "approve" | "reject") {
  return defineAction(
    z.object({ reason: z.string("'reason' must be a string").max(1000).nullish() }),
    ({ connection, updates, trail, actor }: ActionContext<RequestNow>, request, { reason }) => ({
      // That a user asked for the build gives no right to approve it: strangers ask for theirs.
      about: async () => ({ builders: (await aboutBuild(connection, request)()).builders }),
      async perform() {
        await updates.approvals[which](request.buildrequestid, { actor, reason: reason || null, trail });
        return null;
      },
    }),
  );
}

function isOver({ buildrequestid, results }: RequestNow) {
  return errors.alreadyOver(`The build request ${buildrequestid}`, nameResult(results));
}
