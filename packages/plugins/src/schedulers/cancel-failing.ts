import { z } from "zod";
import { defineScheduler, type SchedulerContext } from "../define-scheduler.ts";
import { OptionFailed } from "../option-functions.ts";
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

type Options = z.output<typeof options>;

const pollMs = 5000;
/** Requests that are read at the same time. */
const limit = 500;

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
  async start(ctx, options) {
    await ctx.publish({ kind: "buildsets" });
    const problems = new Problems(ctx);
    return startPolling(ctx, {
      pollMs,
      async poll(signal) {
        for (let after: number | undefined = 0; after !== undefined && !signal.aborted; )
          after = await cancelSiblings(ctx, options, after, problems);
        await problems.show(ctx);
        return undefined;
      },
    });
  },
});

/** Cancels those that come after one; returns the last of them, or undefined if there are no more. */
async function cancelSiblings(
  ctx: SchedulerContext,
  { builders, cancels, filter }: Options,
  after: number,
  problems: Problems,
): Promise<number | undefined> {
  const left = await ctx.openSiblingsOfFailed({ builders, cancels }, { after, limit });
  const wanted = left.filter(({ buildrequestid, sourceStamps }) => {
    if (filter === undefined) return true;
    const asked = {
      option: "filter",
      about: `build request ${buildrequestid}`,
      subject: JSON.stringify(
        sourceStamps.map(({ repository, project, codebase, branch }) => [repository, project, codebase, branch]),
      ),
    };
    try {
      return problems.functions.call(asked, () => matchesSource(filter, sourceStamps));
    } catch (error) {
      // It stays among those that are left, and is asked about again.
      if (error instanceof OptionFailed) return false;
      throw error;
    }
  });
  const requests = wanted.map(({ buildrequestid, failedBuilder, number }) => ({
    buildrequestid,
    reason: `${failedBuilder} #${number} of the same buildset has failed`,
  }));
  const reasons = new Map(requests.map(({ buildrequestid, reason }) => [buildrequestid, reason]));
  for (const id of await ctx.cancelAll(requests, false))
    ctx.log.info({ scheduler: ctx.name, buildrequestid: id }, `build request ${id} is cancelled: ${reasons.get(id)}`);
  return left.length < limit ? undefined : left.at(-1)?.buildrequestid;
}
