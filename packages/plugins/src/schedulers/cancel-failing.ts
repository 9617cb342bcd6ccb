import { describeCause } from "@multimaster/core";
import { z } from "zod";
import { defineScheduler } from "../define-scheduler.ts";
import { startPolling } from "../running.ts";
import { matchesSource, sourceFilter } from "./change-filter.ts";
import { Problems } from "./problems.ts";

const options = z.strictObject({
  name: z.string().min(1).max(128).describe("Unique in the cluster."),
  builders: z.array(z.string().min(1)).min(1).describe("Names of the builders whose failures count."),
  cancels: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe("Names of the builders whose requests are cancelled; absent: all others of the buildset."),
  filter: sourceFilter.optional().describe("Buildsets that it watches, by their source stamps; absent: all."),
});

const pollMs = 5000;

/**
 * Cancels what is left of a buildset when one of its builds has failed:
 * `cancelFailing({ name: "stop-early", builders: ["smoke"] })`. It reads the rows, so that it misses no failure.
 */
export default defineScheduler({
  type: "cancel-failing",
  className: "CancelFailing",
  options,
  followsChanges: false,
  followsRequests: true,
  builderNames: ({ builders, cancels = [] }) => [...builders, ...cancels],
  async start(ctx, { builders, cancels, filter }) {
    await ctx.publish({ kind: "buildsets" });
    const problems = new Problems();
    return startPolling(ctx, {
      pollMs,
      async poll() {
        const left = await ctx.openSiblingsOfFailed(builders);
        const wanted = left.filter(({ builder, buildrequestid, sourceStamps }) => {
          if (cancels !== undefined && !cancels.includes(builder)) return false;
          try {
            return filter === undefined || matchesSource(filter, sourceStamps);
          } catch (error) {
            problems.add(`"filter" failed for build request ${buildrequestid} (${describeCause(error)})`, error);
            return false;
          }
        });
        const reasons = new Map(
          wanted.map(({ buildrequestid, failedBuilder, number }) => [
            buildrequestid,
            `${failedBuilder} #${number} of the same buildset has failed`,
          ]),
        );
        const requests = [...reasons].map(([buildrequestid, reason]) => ({ buildrequestid, reason }));
        for (const id of await ctx.cancelAll(requests, false))
          ctx.log.info(
            { scheduler: ctx.name, buildrequestid: id },
            `build request ${id} is cancelled: ${reasons.get(id)}`,
          );
        await problems.show(ctx);
        return undefined;
      },
    });
  },
});
